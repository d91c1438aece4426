"""An index of another file is noticed, and one of our own takes its place."""

import shutil
from dataclasses import replace
from random import Random

import pysam
import pysam.bcftools
import pysam.samtools
import pytest

from evoflow.remote import own_indexes
from evoflow.remote.byte_ranges import read_index
from evoflow.remote.own_indexes import ends_early, fits, index_of, is_own, with_own_index
from tests.extract.worlds import make_read
from tests.inputs.odd_files import without_counts

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


def written(path, contigs, unmapped=0):
    """Write a BAM or CRAM of twenty reads of each contig, unmapped ones behind them; index it."""
    random = Random(2)
    lines = ["@HD\tVN:1.6\tSO:coordinate", *(f"@SQ\tSN:chr{n}\tLN:{LENGTH}" for n in (1, 2))]
    for at in range(20 * contigs + unmapped):
        mapped = at < 20 * contigs
        place = f"0\tchr{at // 20 + 1}\t{at + 1}\t60\t200M" if mapped else "4\t*\t0\t0\t*"
        bases = "".join(random.choices("ACGT", k=200))
        lines.append(f"r{at}\t{place}\t*\t0\t0\t{bases}\t*")
    plain = path.with_suffix(".sam")
    plain.write_text("\n".join(lines) + "\n")
    kind = f"--output-fmt={path.suffix[1:]},no_ref=1"
    pysam.samtools.view(kind, "-o", str(path), str(plain), catch_stdout=False)
    pysam.index(str(path))
    return path


@pytest.mark.parametrize("ending", ["bam", "cram"])
@pytest.mark.parametrize("unmapped", [0, 20])
def test_an_index_that_ends_before_the_reads_is_of_an_earlier_file(tmp_path, ending, unmapped):
    whole = written(tmp_path / f"whole.{ending}", 2, unmapped)
    assert fits(str(whole))
    first = written(tmp_path / f"first.{ending}", 1)
    shutil.copy(index_of(str(first)), index_of(str(whole)))
    assert not fits(str(whole))


def test_mapped_reads_behind_the_last_one_listed_are_what_counts(tmp_path):
    path = str(written(tmp_path / "whole.bam", 2, unmapped=20))
    listed = read_index(index_of(path))
    with pysam.AlignmentFile(path) as reads:
        ends = [reads.tell() for _ in reads]
    assert [ends_early(path, replace(listed, end=end)) for end in (0, *ends)] == (
        [True] * 40 + [False] * 21
    )


@pytest.mark.parametrize("unmapped", [0, 20])
def test_an_index_of_other_software_is_no_earlier_one(tmp_path, unmapped):
    path = written(tmp_path / "whole.bam", 2, unmapped)
    index = tmp_path / "whole.bam.bai"
    index.write_bytes(without_counts(index.read_bytes(), 8))  # nor of reads that are not mapped
    assert fits(str(path))


@pytest.mark.parametrize("kind", ["t", "c"])
def test_an_index_that_ends_before_the_variants_is_of_an_earlier_file(tmp_path, kind):
    rows = "".join(f"chr{n}\t{at}\t.\tA\tC\t.\t.\t.\n" for n in (1, 2) for at in (5, 9))
    for name, text in (("first", rows[: len(rows) // 2]), ("whole", rows)):
        plain, packed = tmp_path / f"{name}.vcf", str(tmp_path / f"{name}.vcf.gz")
        contigs = "".join(f"##contig=<ID=chr{n}>\n" for n in (1, 2))
        columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        plain.write_text(f"##fileformat=VCFv4.2\n{contigs}{columns}{text}")
        pysam.bcftools.view("-Oz", "--no-version", "-o", packed, str(plain), catch_stdout=False)
        pysam.bcftools.index(f"-{kind}", packed)
    assert fits(packed)
    shutil.copy(index_of(str(tmp_path / "first.vcf.gz")), index_of(packed))
    assert not fits(packed)


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
