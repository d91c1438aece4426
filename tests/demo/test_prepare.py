import json
import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from evoflow import demo
from evoflow.errors import InputError
from evoflow.extract.examples import extract_examples
from evoflow.settings import DataSettings, DemoSettings
from evoflow.table import ALLELE

PREPARE = """
from evoflow import demo
from evoflow.settings import DataSettings, DemoSettings
print(demo.prepare(DataSettings(demo=DemoSettings())).reference)
"""


def digests(folder):
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EVOFLOW_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def quick(monkeypatch):
    """Let the demo consist of two short files, and count how often it is made."""
    made = []

    def make(folder, settings):
        made.append(settings.seed)
        (folder / "genome.fa").write_text(f">chr1\n{'ACGT' * (1 + settings.seed)}\n")
        (folder / "individual.bam").write_bytes(b"reads")

    monkeypatch.setattr(demo, "make", make)
    return made


def prepare(seed=0, **settings):
    return demo.prepare(DataSettings(demo=DemoSettings(seed=seed), **settings))


def test_settings_without_a_demo_are_returned_as_they_are(data):
    assert demo.prepare(data) is data


@pytest.mark.usefixtures("quick")
def test_the_other_settings_stay(cache):
    prepared = prepare(read_length=100, reference_loci="all")
    assert prepared.demo is None
    assert (prepared.read_length, prepared.reference_loci) == (100, "all")
    assert Path(prepared.reference).parent.parent == cache
    assert DataSettings.model_validate(prepared.model_dump()) == prepared


def test_examples_of_every_impact_come_out(data):
    whole = data.model_copy(update={"reference_loci": "all"})
    examples = extract_examples(whole, processes=1).examples
    own = examples.drop_duplicates(ALLELE)
    assert len(own) >= 1500
    impacts = own["impact"].value_counts()
    assert impacts["NONE"] > len(own) / 2
    assert all(impacts[impact] >= 140 for impact in ("HIGH", "MODERATE", "LOW", "MODIFIER"))
    assert own.loc[own["carries_alt"], "consequence"].nunique() == 14
    scores = examples.groupby("sequence")["impact_score"]
    assert not ((scores.min() == 0) & (scores.max() > 0)).any()


def test_two_processes_at_once_make_one_demo_and_the_same_bytes(folder, tmp_path):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PREPARE],
            env={**os.environ, "EVOFLOW_CACHE": str(tmp_path), "PYTHONHASHSEED": hashing},
            stdout=subprocess.PIPE,
            text=True,
        )
        for hashing in "12"
    ]
    references = {process.communicate()[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0, 0]
    assert references == {str(tmp_path / folder.name / "genome.fa")}
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    assert digests(tmp_path / folder.name) == digests(folder)


def test_a_demo_in_the_cache_is_not_made_again(quick):
    assert prepare() == prepare()
    assert prepare(seed=1) != prepare()
    assert quick == [0, 1]


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"re")])
def test_a_damaged_demo_is_made_again(quick, harm):
    folder = Path(prepare().reference).parent
    before = digests(folder)
    harm(folder / "individual.bam")
    prepare()
    assert digests(folder) == before
    assert len(quick) == 2


def test_two_processes_repair_one_demo(quick, cache, monkeypatch):
    """The other one takes the damaged folder away after this one has looked at it."""
    folder = Path(prepare().reference).parent
    before = digests(folder)
    (folder / "genome.fa").unlink()
    looks, is_whole = [], demo._is_whole

    def look(folder):
        whole = is_whole(folder)
        looks.append(whole)
        if len(looks) == 2:
            shutil.rmtree(folder)
        return whole

    monkeypatch.setattr(demo, "_is_whole", look)
    prepare()
    assert looks == [False, False]
    assert digests(folder) == before
    assert [path.name for path in cache.iterdir()] == [folder.name]
    assert len(quick) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_leaves_nothing(cache, monkeypatch, error):
    def make(folder, _settings):
        (folder / "genome.fa").write_text(">chr1\n")
        raise error

    monkeypatch.setattr(demo, "make", make)
    with pytest.raises(error):
        prepare()
    assert list(cache.iterdir()) == []


def test_what_a_killed_process_left_is_not_taken_for_a_demo(cache, quick):
    folder = Path(prepare().reference).parent
    sizes = json.loads((folder / "manifest.json").read_text())
    assert sizes == {"genome.fa": 11, "individual.bam": 5}
    shutil.move(folder, cache / f"{folder.name}.killed")
    assert Path(prepare().reference).parent == folder
    assert len(quick) == 2


def test_the_faster_of_two_processes_wins(cache, monkeypatch):
    """Another process has put its demo into place while this one made its own."""

    def slow(folder, _settings):
        (folder / "genome.fa").write_text(">chr1\n")
        monkeypatch.setattr(demo, "make", fast)
        prepare()

    def fast(folder, _settings):
        (folder / "genome.fa").write_text(">chr2\n")

    monkeypatch.setattr(demo, "make", slow)
    assert Path(prepare().reference).read_text() == ">chr2\n"
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize("in_the_way", ["cache", "cache/inside"])
def test_a_cache_that_cannot_be_written_is_an_input_error(tmp_path, monkeypatch, in_the_way):
    (tmp_path / "cache").write_text("a file, no folder")
    monkeypatch.setenv("EVOFLOW_CACHE", str(tmp_path / in_the_way))
    with pytest.raises(InputError) as error:
        prepare()
    assert str(tmp_path / in_the_way) in str(error.value)
    assert "EVOFLOW_CACHE" in str(error.value)
