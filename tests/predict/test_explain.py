import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from evoflow.__main__ import main
from evoflow.errors import InputError
from evoflow.predict import explain
from evoflow.train.calibration import Calibration
from evoflow.train.head import Head
from tests.devices.one_gpu import WAITS, busy_gpu
from tests.predict.test_commands import head, world

__all__ = ["busy_gpu", "head", "world"]

READ = {
    "individual": "A", "contig": "chr1", "position": 7, "ref": "A", "alt": "C",
    "sequence": "ACGTACCTACGT", "reference_sequence": "ACGTACATACGT", "variant_offset": 6,
}  # fmt: skip


@pytest.fixture
def counting(monkeypatch, tmp_path):
    """Scores that count a read's letter C, and the calls for them; a cache of its own."""
    calls = []

    def score(_trained, reads, _model, **_shown):
        calls.append(len(reads))
        return reads.assign(score=reads["sequence"].str.count("C").astype(float))

    monkeypatch.setattr(explain, "score_reads", score)
    monkeypatch.setenv("EVOFLOW_CACHE", str(tmp_path))
    return calls


def test_each_base_counts_by_what_the_others_in_its_place_would_score(trained, counting):
    model = trained.model_settings(None)
    score, start, effects = explain.base_effects(trained, model, READ, around=2)
    assert (score, start) == (4.0, 4)
    # A, C, C, T, A: each other base scores one C less, or in one of three cases one more.
    assert effects == pytest.approx([-1 / 3, 1, 1, -1 / 3, -1 / 3])
    assert counting == [1 + 3 * 5]


def test_an_explanation_is_computed_once(trained, counting):
    model = trained.model_settings(None)
    first = explain.base_effects(trained, model, READ)
    again = explain.base_effects(trained, model, READ)
    assert np.array_equal(first[2], again[2])
    assert len(counting) == 1
    explain.base_effects(trained, model, READ | {"reference_sequence": "ACGTACGTACGT"})
    assert len(counting) == 2


def test_heads_of_the_same_weights_that_predict_differently_are_computed_apart(trained, counting):
    model = trained.model_settings(None)
    head = trained.head
    others = [
        replace(head, config=replace(head.config, levels=(0.0, 100.0, 200.0, 500.0, 1000.0))),
        replace(head, calibration=Calibration((0.0, 10.0), (2.0, 8.0))),
    ]
    for one in (trained, *(replace(trained, head=other) for other in others)):
        explain.base_effects(one, model, READ)
    explain.base_effects(replace(trained, weights="of another training"), model, READ)
    assert len(counting) == 4


def test_the_highest_letter_is_the_one_that_matters_most():
    drawn = str(explain.logo("ACGT", 1, np.array([0.5, -1.0, 0.25]), range(2, 3)))
    assert drawn.count("<text") == 3
    assert 'scale(1 4.500)" fill="#2f5fb3">C' in drawn
    assert 'scale(1 -9.000)" fill="#d38b1b">G' in drawn


def test_an_allele_is_read_from_the_right():
    found = explain.parse_allele("HLA:A*01:1,234:a:t")
    assert found == {"contig": "HLA:A*01", "position": 1234, "ref": "A", "alt": "T"}


@pytest.mark.parametrize("text", ["chr1", "chr1:A:T", "chr1:x:A:T", "chr1:\u00b2:A:T"])
def test_what_is_no_allele_is_refused(text):
    with pytest.raises(InputError, match="such as chr1:123:A:T"):
        explain.parse_allele(text)


def test_an_allele_that_the_run_lacks_leads_to_the_nearest(monkeypatch):
    table = pd.DataFrame([READ, READ | {"position": 900}])
    monkeypatch.setattr(explain, "artifact", lambda *_: table)
    run = type("Run", (), {"pathspec": "EvoFlow/1"})()
    with pytest.raises(InputError, match=r"nearest are chr1:7:A:C, chr1:900:A:C"):
        explain.page_of_allele(run, "chr1:8:A:C")
    with pytest.raises(InputError, match="nearest are chr1"):
        explain.page_of_allele(run, f"chr1:{10**20}:A:C")
    with pytest.raises(InputError, match="its contigs are chr1"):
        explain.page_of_allele(run, "chr2:8:A:C")


def test_a_users_own_alleles_are_explained(head, world):
    output = world / "why.html"
    result = CliRunner().invoke(
        main,
        ["explain", head, "--variants", str(world / "variants.vcf"), "--reference",
         str(world / "genome.fa"), "--output", str(output)],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    page = output.read_text()
    assert page.count("<svg width") == 2
    assert page.count('class="pileup"') == 2
    assert len(re.findall(r"The tallest letter moves it by [\d.e-]+\.<", page)) == 2
    assert "chr1:101 A&gt;G" in page


def test_beside_a_run_an_explanation_waits_for_a_gpu(
    trained, busy_gpu, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("EVOFLOW_CACHE", str(tmp_path))
    known = {"carries_alt": True, "gene": "", "consequence": "", "strand": "+"}
    table = pd.DataFrame([READ | known])
    monkeypatch.setattr(explain, "artifact", lambda *_: table)
    monkeypatch.setattr(explain, "head_of", lambda _: trained)
    predicting = busy_gpu.during(Head, "predict")
    run = type("Run", (), {"pathspec": "EvoFlow/1"})()
    assert "What moved the score" in explain.page_of_allele(run, "chr1:7:A:C")
    assert WAITS in capsys.readouterr().out
    assert predicting == ["taken"]
