"""What `start` says of the model config."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from evoflow.embed.weights import check as model_check
from evoflow.embed.weights import download
from evoflow.embed.weights.check import check_model
from evoflow.embed.weights.model import load_model
from evoflow.errors import InputError
from evoflow.settings import load_settings
from tests.embed.loopback_hub import COMMITS, REPOSITORY

GOLDEN = Path(__file__).parents[2] / "data" / "evo-tiny-8k-reference"


def settings(model=None, compute=None, read_length=40, **data):
    window = {"embedding": {"tokens": {"window": 32}}}
    return load_settings(
        {"demo": {}, "read_length": read_length} | data, window | (model or {}), compute or {}
    )


def problems(*args, **options):
    with pytest.raises(InputError) as error:
        check_model(settings(*args, **options))
    return error.value.problems


@pytest.fixture
def folder(tmp_path):
    for name in ("config.json", "model.safetensors"):
        shutil.copy(GOLDEN / name, tmp_path)
    return tmp_path


@pytest.mark.parametrize("checkpoint", ["evo-tiny", "evo-demo", str(GOLDEN)])
def test_sound_settings_come_back_as_they_are(checkpoint):
    asked = settings({"checkpoint": checkpoint})
    assert check_model(asked) == asked.model


def test_all_problems_are_said_together(tmp_path):
    (tmp_path / "file").write_text("")
    found = problems(
        {
            "checkpoint": "evo-tiny",
            "device": "cuda:7",
            "embedding": {"layer": 99, "tokens": {"window": 200}},
        },
        {"weights": str(tmp_path / "file")},
    )
    for number, said in enumerate(
        (
            "model.embedding.tokens: a window of 200 tokens is longer than the reads",
            "model.embedding.layer: evo-tiny: layer 99 needs 99 blocks but the model has 4",
            "model.device: 'cuda:7'",
            "compute.weights: ",
        )
    ):
        assert found[number].startswith(said)
    assert len(found) == 4


def test_a_context_must_fit_the_model_and_leave_a_window():
    (said,) = problems(context=513)
    assert said == ("data.context: 513 bases are more than evo-demo takes; set at most 512")
    (said,) = problems({"embedding": {"tokens": "mean"}}, context=400)
    assert said.startswith("model.embedding.tokens: mean would keep or average all 400 bases")
    # A batch holds at least one sequence, so that its memory is asked for.
    assert check_model(settings({"tokens_per_batch": 300}, context=400)).tokens_per_batch == 400
    assert check_model(settings({"tokens_per_batch": 900}, context=400)).tokens_per_batch == 900


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"checkpoint": "evo-1-8k-bas"}, "model.checkpoint: .*did you mean 'evo-1-8k-base'"),
        ({"checkpoint": "evo-tiny", "revision": "main"}, "model.revision: evo-tiny is made on the"),
        ({"checkpoint": "evo-demo", "revision": "main"}, "model.revision: evo-demo comes with"),
        ({"checkpoint": str(GOLDEN), "revision": "main"}, "model.revision: main is asked for, but"),
        ({"checkpoint": "evo2_40b"}, "model.checkpoint: .*FP8"),
        ({"device": "gpu"}, "model.device: 'gpu'"),
        (
            {"checkpoint": str(GOLDEN), "device": "cpu", "tokens_per_batch": 2 * 10**9},
            "2000000000.*machine has",
        ),
    ],
)
def test_a_wrong_setting_is_named(model, said):
    (problem,) = problems(model)
    assert re.search(said, problem)


def test_reads_longer_than_the_model_takes_are_named(folder):
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(re.sub('"max_seqlen": [0-9]+', '"max_seqlen": 39', config))
    (problem,) = problems({"checkpoint": str(folder)})
    assert problem == (f"data.read_length: 40 bases are more than {folder} takes; set at most 39")


def test_a_remote_step_may_have_other_devices():
    compute = {"target": "batch", "image": "i:1", "gpus": {"A100": {"queue": "q"}}}
    check_model(settings({"device": "cuda:7"}, compute))


def test_a_checkpoint_that_remote_tasks_may_lack_is_told_of(folder, caplog):
    for target, volumes, told in (
        ("local", {}, False),
        ("batch", {}, True),
        ("batch", {"/mnt/models": str(folder.parent)}, False),
    ):
        caplog.clear()
        machine = {"queue": "q", "volumes": volumes}
        compute = {"target": target, "image": "i:1", "gpus": {"A100": machine}}
        check_model(settings({"checkpoint": str(folder)}, compute))
        assert (f"tasks on batch see {folder} only if" in caplog.text) is told


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.unlink(), "no such file"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "its header states"),
        (
            lambda path: path.write_text("version https://git-lfs.github.com/spec/v1"),
            "git lfs pull",
        ),
    ],
)
def test_a_folder_without_sound_weights_is_refused(folder, spoil, said):
    spoil(folder / "model.safetensors")
    (problem,) = problems({"checkpoint": str(folder)})
    assert said in problem


def test_a_folder_whose_weights_do_not_fit_is_refused(folder):
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(
        config.replace('"inner_mlp_size": 96', '"inner_mlp_size": 80')
    )
    assert config != (folder / "config.json").read_text()
    (problem,) = problems({"checkpoint": str(folder)})
    assert "weights do not fit config.json" in problem


@pytest.fixture
def golden_hub(hub):
    hub.files = {path.name: path.read_bytes() for path in GOLDEN.iterdir() if "model" in path.name}
    hub.files["config.json"] = (GOLDEN / "config.json").read_bytes()
    return hub


def test_a_branch_is_pinned_and_no_weights_are_fetched(golden_hub):
    checked = check_model(settings({"checkpoint": REPOSITORY}))
    assert checked.revision == COMMITS["main"]
    assert golden_hub.bytes_asked == []
    golden_hub.commits |= {"main": "c" * 40, "earlier": COMMITS["main"]}
    loaded = load_model(checked, torch.device("cpu"), torch.float32)
    assert loaded.commit == COMMITS["main"]


def test_a_repository_without_weights_is_refused(golden_hub):
    golden_hub.files = {"config.json": golden_hub.files["config.json"], "pytorch_model.bin": b""}
    (problem,) = problems({"checkpoint": REPOSITORY})
    assert "holds no weights" in problem
    assert "it has config.json, pytorch_model.bin" in problem


@pytest.mark.usefixtures("golden_hub")
def test_a_disk_without_room_for_the_download_is_told_of(monkeypatch):
    monkeypatch.setattr(model_check, "_free_room", lambda _: 100_000)
    monkeypatch.setattr(download, "missing_bytes", lambda _: 13_000_000_000)
    (problem,) = problems({"checkpoint": REPOSITORY})
    assert "needs 13.0 GB in" in problem
    assert "0.0 GB free; make room or set HF_HOME" in problem


@pytest.mark.usefixtures("golden_hub")
def test_shared_weights_that_are_there_need_no_writing(s3, tmp_path):
    location = f"s3://lab/{tmp_path.name}"
    asked = settings({"checkpoint": REPOSITORY}, {"weights": location})
    s3.method, s3.failures = "PUT", [(403, "AccessDenied")]
    (problem,) = problems({"checkpoint": REPOSITORY}, {"weights": location})
    assert problem.startswith(f"compute.weights: {location} cannot be written")
    load_model(check_model(asked), torch.device("cpu"), torch.float32, shared=location)
    s3.failures = [(403, "AccessDenied")]
    check_model(asked)
    assert s3.failures


def test_a_commit_that_is_shared_needs_no_hub(golden_hub, tmp_path):
    pinned = {"checkpoint": REPOSITORY, "revision": COMMITS["main"]}
    asked = settings(pinned, {"weights": str(tmp_path / "shared")})
    load_model(asked.model, torch.device("cpu"), torch.float32, shared=asked.compute.weights)
    shutil.rmtree(tmp_path / "hub")
    golden_hub.asked.clear()
    assert check_model(asked).revision == COMMITS["main"]
    assert golden_hub.asked == []


def test_models_of_evoflow_are_checked_without_torch():
    script = (
        "import sys; from evoflow.embed.weights.check import check_model;"
        "from evoflow.settings import load_settings;"
        "check_model(load_settings({'demo': {}}, {'checkpoint': 'evo-demo'}, {}));"
        "print([name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
