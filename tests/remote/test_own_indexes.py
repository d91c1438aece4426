"""An index of another file is noticed, and one of our own takes its place."""

import shutil
from random import Random

import pysam
import pytest

from evoflow.remote import own_indexes
from evoflow.remote.own_indexes import fits, is_own, with_own_index
from tests.extract.worlds import make_read

LENGTH = 50_000


def bam(path, start, comment=""):
    """A BAM of one read; a long comment moves the block in which the read lies."""
    header = {"HD": {"SO": "coordinate"}, "SQ": [{"SN": "chr1", "LN": LENGTH}], "CO": [comment]}
    with pysam.AlignmentFile(str(path), "wb", header=header) as file:
        file.write(make_read(LENGTH, "r", start, "ACGT" * 25, "100M"))
    pysam.index(str(path))
    return str(path)


@pytest.fixture
def stale(tmp_path, monkeypatch):
    """A BAM with the index of another one."""
    monkeypatch.setattr(own_indexes, "cache_folder", lambda: tmp_path / "cache")
    letters = "".join(Random(1).choices("abcdefgh", k=20_000))
    bam(tmp_path / "other.bam", 10, letters)
    path = bam(tmp_path / "one.bam", 40_000)
    shutil.copy(tmp_path / "other.bam.bai", tmp_path / "one.bam.bai")
    return path


def test_an_index_fits_its_own_file_alone(tmp_path, stale):
    assert fits(str(tmp_path / "other.bam"))
    assert not fits(stale)


def test_without_an_index_there_is_none_to_doubt(tmp_path, stale):
    (tmp_path / "one.bam.bai").unlink()
    assert fits(stale)
    assert with_own_index(stale) == stale


def test_the_file_is_read_by_way_of_an_index_that_fits(stale):
    linked = with_own_index(stale)
    assert is_own(linked)
    assert not is_own(stale)
    with pysam.AlignmentFile(linked) as reads:
        (contig,) = reads.references
        assert [read.reference_start for read in reads.fetch(contig)] == [40_000]
    assert with_own_index(stale) == linked


def test_a_large_file_is_not_indexed_without_being_asked(stale, monkeypatch):
    monkeypatch.setattr(own_indexes, "_LARGEST", 10)
    assert with_own_index(stale) == stale
