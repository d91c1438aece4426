"""Public bug reports about files that are odd: `tests/data/faults/README.md` names each."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from evoflow.__main__ import main
from tests.conftest import ROOT

FAULTS = ROOT / "tests" / "data" / "faults"


@pytest.fixture
def extract(tmp_path, monkeypatch):
    """Run `extract` in a copy of a fault's folder: rows by contig and position, what it said."""
    monkeypatch.setenv("REF_PATH", "/nonexistent/%s")

    def run(name, *, regions=True):
        shutil.copytree(FAULTS / name, tmp_path / name)
        monkeypatch.chdir(tmp_path / name)
        if not regions:
            settings = yaml.safe_load(Path("data.yaml").read_text(encoding="utf-8"))
            del settings["regions"]
            Path("data.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        result = CliRunner().invoke(
            main, ["extract", "data.yaml", "--output", "x.jsonl", "--processes", "1"]
        )
        assert result.exception is None or isinstance(result.exception, SystemExit), result
        if result.exit_code:
            return Counter(), " ".join(result.output.split())
        lines = (tmp_path / name / "x.jsonl").read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines]
        return Counter((row["contig"], row["position"]) for row in rows), result.output

    return run


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("cram_chr1_reference_1", {("1", 1000): 7}),
        ("cram_decoy_contigs_not_in_reference", {("chr1", 1000): 7}),
        ("first_hundred_reads_are_short", {("chr1", 1500): 7}),
        ("latin1_in_bam_header", {("chr1", 1000): 7}),
        ("plink_numbers_x_23", {("chr1", 1000): 7, ("chrX", 700): 7}),
        ("regions_do_not_limit_the_length_check", {("chr1", 2000): 7}),
        ("so_unsorted_but_indexed", {("chr1", 1000): 7}),
        ("stale_reference_line_after_liftover", {("chr21", 20_001_500): 7}),
        ("vcf_records_spelled_unlike_header", {("chr1", 1000): 7, ("chrM", 700): 7}),
    ],
)
def test_the_rows_are_those_that_are_right(extract, name, rows):
    assert extract(name)[0] == rows


def test_a_contig_that_disagrees_is_left_out_and_the_rest_taken(extract):
    rows, said = extract("ucsc_hg19_chrM")
    assert {contig for contig, _ in rows} == {"chr1"}
    assert len(rows) == 21
    assert "clinvar.vcf.gz: contig chrM is left out: REF of" in said
    assert "in 25 of 32 records" in said


def test_without_regions_a_contig_of_another_length_bars_nothing(extract):
    # It has no read, so that nothing is lost either.
    assert extract("regions_do_not_limit_the_length_check", regions=False)[0] == {("chr1", 2000): 7}


def test_short_reads_before_long_ones_are_passed_over_without_regions_too(extract):
    rows, _ = extract("first_hundred_reads_are_short", regions=False)
    assert rows == {("chr1", 1500): 7}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cram_of_a_differently_masked_reference", r"reads.cram: was made with another reference"),
        ("reference_cut_off", r"ref.fa: contig chr1 is shorter than"),
    ],
)
def test_what_cannot_be_right_is_one_message(extract, name, message):
    rows, said = extract(name)
    assert not rows
    assert message in said
    assert said.count("Error") == 1


def test_a_stale_header_line_is_a_warning(extract):
    _, said = extract("stale_reference_line_after_liftover")
    assert (
        "person.vcf.gz: its header names GRCh37, but its records have the bases of GRCh38" in said
    )
