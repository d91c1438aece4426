"""Loading a model: from the hub, and from the place that the tasks of a run share."""

import logging
import shutil
import threading
from contextlib import nullcontext
from functools import cache
from pathlib import Path

import pytest
import torch

from evoflow.embed.embedder import Embedder
from evoflow.embed.evo import EvoForCausalLM
from evoflow.embed.weights import shared
from evoflow.embed.weights.model import load_model
from evoflow.errors import InputError
from evoflow.settings import ModelSettings
from tests.embed.loopback_hub import COMMITS, REPOSITORY

GOLDEN = Path(__file__).parents[2] / "data" / "evo-tiny-8k-reference"
WEIGHTS = "model.safetensors"
CPU = torch.device("cpu")


@pytest.fixture
def golden_hub(hub, monkeypatch, tmp_path):
    """The hub with a checkpoint that can be loaded; every machine has a cache of its own."""
    hub.files = {name: (GOLDEN / name).read_bytes() for name in ("config.json", WEIGHTS)}
    monkeypatch.setenv("EVOFLOW_CACHE", str(tmp_path / "cache"))
    for name in ("BEAT_SECONDS", "STALE_SECONDS", "POLL_SECONDS"):
        monkeypatch.setattr(shared, name, getattr(shared, name) / 100)
    return hub


@pytest.fixture(params=["folder", "s3"])
def location(request, tmp_path):
    if request.param == "folder":
        return str(tmp_path / "shared")
    request.getfixturevalue("s3")
    return f"s3://lab/{tmp_path.name}"


def load(revision=COMMITS["main"], **options):
    settings = ModelSettings(checkpoint=REPOSITORY, revision=revision)
    return load_model(settings, CPU, torch.float32, **options)


@cache
def golden():
    return EvoForCausalLM.from_pretrained(GOLDEN)


def assert_golden(loaded):
    assert loaded.commit == COMMITS["main"]
    assert loaded.model.weights_identity == golden().weights_identity
    state = loaded.model.state_dict()
    for name, weight in golden().state_dict().items():
        assert torch.equal(state[name], weight)


def downloads(hub):
    return hub.bytes_asked


def forget_downloads(tmp_path):
    """Be on another machine."""
    for name in ("hub", "cache"):
        shutil.rmtree(tmp_path / name, ignore_errors=True)


def test_the_first_task_shares_and_the_others_ask_no_hub(golden_hub, location, tmp_path):
    assert_golden(load(shared=location))
    assert downloads(golden_hub) == [0]
    forget_downloads(tmp_path)
    golden_hub.asked.clear()
    assert_golden(load(shared=location))
    assert golden_hub.asked == []


def test_tasks_that_start_together_download_once(golden_hub, location):
    found = []
    tasks = [threading.Thread(target=lambda: found.append(load(shared=location))) for _ in range(6)]
    for task in tasks:
        task.start()
    for task in tasks:
        task.join()
    assert len(found) == 6
    for loaded in found:
        assert_golden(loaded)
    assert downloads(golden_hub) == [0]


def test_where_the_fetching_task_died_another_takes_over(golden_hub, location, caplog):
    objects = shared.SharedWeights(location).objects
    objects.create(f"{REPOSITORY}/{COMMITS['main']}/claim", b"somebody who is gone")
    assert_golden(load(shared=location))
    assert downloads(golden_hub) == [0]
    assert "waiting for another task to put the weights into" in caplog.text


@pytest.mark.usefixtures("golden_hub")
def test_wrong_bytes_in_the_shared_place_send_to_the_hub(tmp_path, caplog):
    location = str(tmp_path / "shared")
    load(shared=location)
    path = tmp_path / "shared" / REPOSITORY / COMMITS["main"] / WEIGHTS
    for _ in range(2):  # what was repaired may be damaged again
        _spoil(path)
        caplog.clear()
        assert_golden(load(shared=location))
        warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
        assert len(warnings) == 1
        assert "differs from what was written; the weights come from the hub" in caplog.text
        assert path.read_bytes() == (GOLDEN / WEIGHTS).read_bytes()


def _spoil(path):
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)


@pytest.mark.usefixtures("golden_hub")
def test_of_tasks_that_meet_damage_together_one_repairs(tmp_path, monkeypatch):
    location = str(tmp_path / "shared")
    load(shared=location)
    _spoil(tmp_path / "shared" / REPOSITORY / COMMITS["main"] / WEIGHTS)
    written, write_file = [], shared.FolderObjects.write_file
    met = threading.Barrier(3)

    def write(self, name, path):
        written.append(name)
        write_file(self, name, path)

    def names(self, folder):
        found = list_names(self, folder)
        if folder != "probe":
            met.wait(60)
        return found

    list_names = shared.FolderObjects.names
    monkeypatch.setattr(shared.FolderObjects, "write_file", write)
    monkeypatch.setattr(shared.FolderObjects, "names", names)
    tasks = [threading.Thread(target=lambda: load(shared=location)) for _ in range(3)]
    for task in tasks:
        task.start()
    for task in tasks:
        task.join()
    assert len(written) == 1


@pytest.mark.usefixtures("golden_hub")
@pytest.mark.parametrize("damage", ["cut", "gone", "folder", "manifest"])
def test_a_damaged_shared_place_sends_to_the_hub(tmp_path, caplog, damage):
    location = str(tmp_path / "shared")
    load(shared=location)
    place = tmp_path / "shared" / REPOSITORY / COMMITS["main"]
    path = place / WEIGHTS
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:1000])
    elif damage == "manifest":
        (place / "manifest").write_text("{}")
    else:
        path.unlink()
        if damage == "folder":
            path.mkdir()
    assert_golden(load(shared=location))
    assert caplog.text.count("the weights come from the hub") == 1
    caplog.clear()
    assert_golden(load(shared=location))
    assert ("the weights come from the hub" in caplog.text) == (damage == "folder")


@pytest.mark.parametrize(
    "failure",
    [
        ("GET", (400, "ExpiredToken")),
        ("PUT", (403, "AccessDenied")),
        ("GET", (503, "SlowDown")),
        ("GET", "lie"),
    ],
)
def test_a_bucket_that_fails_costs_no_run(golden_hub, s3, tmp_path, caplog, failure):
    s3.method, s3.failures = failure[0], [failure[1]] * 99
    assert_golden(load(shared=f"s3://lab/{tmp_path.name}"))
    assert downloads(golden_hub) == [0]
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "hub" in warnings[0].getMessage()


def test_answers_that_fail_now_and_then_are_asked_again(golden_hub, s3, tmp_path, caplog):
    location = f"s3://lab/{tmp_path.name}"
    load(shared=location)
    golden_hub.asked.clear()
    s3.failures = [(503, "SlowDown"), None, "cut", None, None, "cut", "lie", None]
    assert_golden(load(shared=location))
    assert golden_hub.asked == []
    assert "hub" not in caplog.text


def test_a_full_disk_costs_the_copy_alone(golden_hub, monkeypatch, tmp_path, caplog):
    def refuse(*_):
        raise InputError("No space left on device")

    monkeypatch.setattr(shared.FolderObjects, "write_file", refuse)
    assert_golden(load(shared=str(tmp_path / "shared")))
    assert caplog.text.count("could not be stored there (No space left on device)") == 1
    assert downloads(golden_hub) == [0]


@pytest.mark.parametrize("checkpoint", [str(GOLDEN), "evo-demo", "evo-tiny"])
def test_what_is_here_is_not_shared(checkpoint, tmp_path):
    settings = ModelSettings(checkpoint=checkpoint)
    loaded = load_model(settings, CPU, torch.float32, shared=str(tmp_path / "shared"))
    assert loaded.commit is None
    assert not (tmp_path / "shared").exists()


def test_loading_is_shown():
    told = []

    def phases(what, unit):
        told.append((what, unit))
        return nullcontext(lambda *now: told.append(now))

    settings = ModelSettings(checkpoint=str(GOLDEN))
    load_model(settings, CPU, torch.float32, phases=phases)
    assert told[0] == (f"loading {GOLDEN.name}", "MB")
    assert told[-1] == (1, 1)  # of a third of a megabyte: what is begun counts


def test_the_embedder_says_which_weights_it_has():
    embedder = Embedder.from_settings(ModelSettings(checkpoint=str(GOLDEN)))
    assert embedder.provenance.weights == golden().weights_identity
    assert Embedder.from_settings(ModelSettings(checkpoint="evo-tiny")).provenance.weights


def test_a_folder_named_like_the_stand_in_is_refused(tmp_path, monkeypatch):
    (tmp_path / "evo-tiny").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="evo-tiny is a known checkpoint and also the folder"):
        load_model(ModelSettings(checkpoint="evo-tiny"), CPU, torch.float32)


@pytest.mark.parametrize("name", ["evo2_7b", "evo2-7b-base"])
def test_a_folder_named_like_an_evo_2_model_is_refused(tmp_path, monkeypatch, name):
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=f"{name} is a known checkpoint and also the folder"):
        load_model(ModelSettings(checkpoint=name), CPU, torch.float32)
