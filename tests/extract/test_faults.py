"""Inputs that people reported, rebuilt small: `tests/data/faults/README.md` names the reports."""

import shutil
from pathlib import Path

import pytest
import yaml

from evoflow.extract.examples import extract_examples
from evoflow.settings import DataSettings

FAULTS = Path(__file__).parent.parent / "data" / "faults"


@pytest.fixture
def extract(tmp_path, monkeypatch):
    def run(name):
        folder = tmp_path / name
        shutil.copytree(FAULTS / name, folder)
        monkeypatch.chdir(folder)
        data = DataSettings(**yaml.safe_load((folder / "data.yaml").read_text()))
        return extract_examples(data, processes=1)

    return run


def test_a_read_of_score_0_carries_nothing(extract):
    extraction = extract("label0_read_carries_allele")
    rows = extraction.examples.set_index("position")
    assert rows.loc[1510, "impact_score"] == 0
    assert rows.loc[1510, "read_name"].startswith("ref")
    assert rows.loc[[1500], "read_name"].str.startswith("alt").all()
    assert len(rows.loc[[1500]]) == 6
    counts = extraction.counts.set_index(["subject", "reason"])["count"]
    looked = counts["read over a reference locus"]
    assert looked["carries another allele of the individual"] > 0


def test_a_gap_beside_ref_does_not_hide_a_deletion_insertion(extract):
    rows = extract("delins_gap_placed_beside").examples
    found = rows.groupby(["position", "ref", "alt"]).size().to_dict()
    assert found == {(812, "CG", "T"): 8, (2006, "CCA", "GG"): 8, (3202, "C", "TT"): 8,
                     (4408, "TGCC", "A"): 8}  # fmt: skip
    for row in rows.itertuples():
        assert row.sequence[row.variant_offset :].startswith(row.alt)
        before = row.reference_sequence[row.variant_offset - 10 : row.variant_offset]
        assert row.sequence[row.variant_offset - 10 : row.variant_offset] == before


def test_a_substitution_in_its_repeat_does_not_hide_a_deletion(extract):
    rows = extract("deletion_with_snv_in_its_repeat").examples
    assert rows.groupby(["position", "ref", "alt"]).size().to_dict() == {
        (1201, "CA", "C"): 8,
        (1206, "A", "G"): 8,
    }
    assert rows["other_alleles"].eq(1).all()


def test_equal_signs_are_spelled_out(extract):
    rows = extract("equal_sign_bases").examples
    assert len(rows) == 7
    for row in rows.itertuples():
        own = row.variant_offset
        assert row.sequence[own] == row.alt == "T"
        expected = row.reference_sequence[:own] + "T" + row.reference_sequence[own + 1 :]
        assert row.sequence == expected


def test_reads_of_another_person_do_not_count(extract):
    extraction = extract("joint_bam_reads_of_another_person")
    assert set(extraction.examples["read_name"]) == {"anna0", "anna1"}
    counts = extraction.counts.set_index("reason")["count"]
    assert counts["of another sample, or of no read group"] == 9
