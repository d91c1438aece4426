"""Public bug reports about `predict --variants`: `tests/data/faults/README.md` names each."""

import pandas as pd
import pytest
from click.testing import CliRunner

from evoflow.__main__ import main
from tests.conftest import ROOT

FAULTS = ROOT / "tests" / "data" / "faults"


@pytest.fixture
def predict(trained, tmp_path):
    trained.save(tmp_path / "head")

    def run(name):
        folder = FAULTS / name
        arguments = ["--variants", folder / "new.vcf", "--reference", folder / "ref.fa"]
        arguments += ["--output", tmp_path / "scored.tsv"]
        return CliRunner().invoke(main, ["predict", *map(str, [tmp_path / "head", *arguments])])

    return run


def test_another_build_is_refused(predict, tmp_path):
    result = predict("predict_variants_of_another_build")
    assert result.exit_code == 1
    assert "in 60 of 80 records" in result.output
    assert "give the FASTA that it was made with" in result.output
    assert not (tmp_path / "scored.tsv").exists()


def test_every_record_is_scored_or_counted(predict, tmp_path):
    result = predict("predict_loses_records_without_a_word")
    assert result.exit_code == 0, result.output
    assert "2 of 2 alleles are scored" in result.output
    assert (
        "2 were left out (ALT is not a sequence of bases: 1; the reference has no contig chr2: 1)"
    ) in result.output
    assert len(pd.read_csv(tmp_path / "scored.tsv", sep="\t", comment="#")) == 2
