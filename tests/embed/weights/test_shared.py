"""The shared copy of a checkpoint: found whole or not at all."""

import shutil

import pytest

from evoflow.embed.evo import EvoForCausalLM
from evoflow.embed.weights import shared
from evoflow.embed.weights.shared import SharedWeights, SharingError
from tests.conftest import ROOT

FOLDER = ROOT / "tests" / "data" / "evo-tiny-8k-reference"


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(shared, "cache_folder", lambda: tmp_path / "cache")
    return SharedWeights(str(tmp_path / "place"))


def provide(place, fetched):
    def fetch():
        fetched.append(1)
        return EvoForCausalLM.find(str(FOLDER), None)

    return place.provide("lab/evo", "c0ffee", fetch)


def test_the_first_fetches_and_the_next_one_finds(place, tmp_path):
    fetched = []
    provide(place, fetched)
    assert (tmp_path / "place" / "lab" / "evo" / "c0ffee" / "manifest").is_file()
    found = provide(place, fetched)
    assert len(fetched) == 1
    assert found.commit == "c0ffee"
    tensors = {each.name for each in found.tensors()}
    assert tensors == {each.name for each in EvoForCausalLM.find(str(FOLDER), None).tensors()}


def test_without_a_manifest_there_is_no_copy(place, tmp_path):
    assert place.find("lab/evo", "c0ffee") is None
    provide(place, [])
    (tmp_path / "place" / "lab" / "evo" / "c0ffee" / "manifest").unlink()
    assert place.find("lab/evo", "c0ffee") is None


@pytest.mark.parametrize("name", ["manifest", "config.json"])
def test_a_small_file_that_was_changed_is_damage(place, tmp_path, name):
    provide(place, [])
    path = tmp_path / "place" / "lab" / "evo" / "c0ffee" / name
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"', b"'", 1))
    with pytest.raises(SharingError, match=f"{name} is damaged"):
        place.find("lab/evo", "c0ffee")


def test_a_place_that_cannot_take_the_copy_costs_the_copy_alone(place, monkeypatch, caplog):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    fetched = []
    assert provide(place, fetched).folder == FOLDER
    assert "could not be stored there" in caplog.text
