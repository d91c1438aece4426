"""Checkpoints of Evo 2 by name, and pickles that are converted when they are first asked for."""

import json
import shutil
from pathlib import Path

import pytest

from evoflow.embed.embedder import Embedder
from evoflow.embed.evo import find_checkpoint, read_config
from evoflow.embed.evo2 import checkpoint
from evoflow.embed.hyena import hub
from evoflow.embed.hyena.checkpoint import Checkpoint
from evoflow.embed.size import bytes_per_sequence
from evoflow.errors import InputError
from evoflow.settings import ModelSettings

GOLDEN = Path(__file__).parents[2] / "data" / "evo2-tiny-8k-reference"


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("EVOFLOW_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(GOLDEN, tmp_path / "published")
    return tmp_path / "published"


def test_a_folder_with_a_pickle_is_converted_once_and_says_so(folder, caplog):
    described = find_checkpoint(str(folder), files=["config.json"])
    assert read_config(described).hidden_size == 64
    assert not caplog.records
    first = find_checkpoint(str(folder))
    pickled = folder / "evo2_7b_base.pt"
    said = (
        f"{pickled} is a pickle: its weights are converted to safetensors in {first.folder}, once"
    )
    assert [record.message for record in caplog.records] == [said]
    moved = shutil.move(folder, folder.with_name("elsewhere"))
    assert find_checkpoint(str(Path(moved) / "evo2_7b_base.pt")) == first
    assert len(caplog.records) == 1


def test_another_configuration_beside_the_pickle_is_another_conversion(folder):
    first = find_checkpoint(str(folder))
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"rotary_emb_base": 5000}))
    assert find_checkpoint(str(folder)).folder != first.folder


def test_it_embeds_layers_by_the_names_of_the_field(folder):
    settings = ModelSettings.model_validate(
        {
            "checkpoint": str(folder),
            "device": "cpu",
            "dtype": "float32",
            "embedding": {"layer": "blocks.6.mlp.l3", "tokens": "mean", "stored_dtype": "float32"},
        }
    )
    embedder = Embedder.from_settings(settings)
    got = embedder.embed(["ACGT"], layer="blocks.6.mlp.l3", tokens="all", stored_dtype="float32")
    assert got.values.shape == (1, 4, 64)
    assert got.provenance.layer == "blocks.6.mlp.l3"
    assert bytes_per_sequence(settings, 150) == 64 * 4


@pytest.fixture
def hub_holds(monkeypatch, folder):
    """A hub from which the golden pickle comes, whatever is asked of it."""
    asked = []

    def fetch(name, revision=None, *, files, **_options):
        asked.append((name, revision, list(files)))
        return Checkpoint(folder, commit="0123abc")

    monkeypatch.setattr(checkpoint.hub, "find_checkpoint", fetch)
    return asked


def test_a_known_name_has_the_shipped_configuration_and_its_repository(hub_holds):
    found = find_checkpoint("evo2-7b", files=["config.json"])
    assert hub_holds == [("arcinstitute/evo2_7b", None, ["config.json"])]
    assert found.commit == "0123abc"
    assert read_config(found).rotary_scale == 128
    with pytest.raises(
        InputError, match=r"do not fit config.json: lacks blocks.5.filter.h; .* more"
    ):
        find_checkpoint("evo2-7b")  # the golden weights are not those of 7 billion parameters
    assert hub_holds[1] == ("arcinstitute/evo2_7b", None, ["evo2_7b.pt"])


def test_other_names_are_left_to_the_hub(hub_holds):
    find_checkpoint("evo-1-8k-base")
    assert hub_holds == [("evo-1-8k-base", None, list(hub.FILES))]


@pytest.mark.parametrize("name", ["evo2-40b", "arcinstitute/evo2_1b_base"])
def test_models_that_need_fp8_are_refused_before_anything_is_fetched(hub_holds, name):
    with pytest.raises(InputError, match="FP8"):
        find_checkpoint(name)
    assert not hub_holds
