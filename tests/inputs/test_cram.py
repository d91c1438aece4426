"""A CRAM's contigs under its own names, and why its bases cannot be restored."""

from hashlib import md5
from pathlib import Path

import pysam
import pysam.samtools
import pytest

from evoflow.errors import InputError
from evoflow.inputs.cram import explained, reference_of
from evoflow.inputs.inventory import Held

BASES = "ACGTTGCAAC" * 10


@pytest.fixture
def reference(tmp_path):
    path = tmp_path / "genome.fa"
    path.write_text(f">chr1\n{BASES}\n>chr2\n{BASES[::-1]}\n")
    pysam.faidx(str(path))
    return str(path)


def held(**spellings):
    return Held({ours: (theirs,) for ours, theirs in spellings.items()}, {}, {}, {})


def test_a_reference_with_the_names_of_the_reads_is_taken_as_it_is(reference, tmp_path):
    path = str(tmp_path / "a.reads")
    Path(path).write_bytes(b"CRAM")
    assert reference_of(path, held(chr1="chr1"), reference, tmp_path / "x") == reference
    assert reference_of("a.cram", held(chr1="1"), reference, tmp_path / "x") == reference
    assert not (tmp_path / "x").exists()


def test_a_cram_finds_its_own_names_in_a_link_to_the_reference(reference, tmp_path):
    path = str(tmp_path / "a.reads")  # whatever its name
    Path(path).write_bytes(b"CRAM")
    linked = reference_of(path, held(chr1="1"), reference, tmp_path / "x")
    with pysam.FastaFile(linked) as genome:
        assert list(genome.references) == ["1", "chr2"]
        assert genome.fetch("1") == BASES


@pytest.fixture
def cram(reference, tmp_path):
    """A CRAM of one contig `chr1`, whose header states an MD5."""

    def write(digest):
        path = str(tmp_path / "a.cram")
        header = {"SQ": [{"SN": "chr1", "LN": len(BASES), "M5": digest}]}
        pysam.AlignmentFile(path, "wc", header=header, reference_filename=reference).close()
        return path

    return write


def told(path, reference, spelling="chr1", error=None):
    with pytest.raises(InputError) as caught, explained(path, spelling, reference):
        raise error or OSError("truncated file")
    return str(caught.value)


def test_another_reference_is_told_by_its_md5(reference, cram):
    found = md5(BASES.encode()).hexdigest()
    assert f"chr1 has the MD5 {'0' * 32}, that of {reference} {found}" in told(
        cram("0" * 32), reference
    )
    assert "the file is damaged, or was made" in told(cram(found), reference)


def test_a_contig_that_the_reference_lacks_is_named(reference, cram):
    assert "does not have this contig" in told(cram("0" * 32), reference, "chrUn")


def test_of_a_bam_the_reason_is_that_of_the_reader(reference):
    assert told("a.bam", reference) == "a.bam: chr1 cannot be read (truncated file); copy it again"
    assert told("a.bam", reference, error=InputError("told already")) == "told already"
