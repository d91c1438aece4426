from dataclasses import replace

import numpy as np
import pytest

from evoflow.labels.target import PATHOGENICITY
from evoflow.train.evaluation.comparison import compare
from evoflow.train.evaluation.headline import Interval, headline
from evoflow.train.evaluation.metrics import evaluate
from tests.train.evaluation.test_metrics import predictions


def headline_of(rows, baselines):
    evaluation = evaluate(rows, ["head", *baselines])
    return headline(evaluation, compare(evaluation, "head", baselines), "head"), evaluation


def test_the_best_baseline_stands_beside_the_head():
    rng = np.random.default_rng(5)
    rows = predictions(30).assign(good=lambda table: table["label"] + rng.normal(0, 3, len(table)))
    found, evaluation = headline_of(rows, ["poor", "good", "constant"])
    measured = evaluation.metrics["carriers"]
    assert found.baseline == "good"
    assert (found.rows, found.units) == (300, 30)
    assert found.head.value == measured["head"]["spearman"][0]
    assert found.best.value == measured["good"]["spearman"][0]
    assert found.difference.value == pytest.approx(found.head.value - found.best.value)
    assert found.verdict == "the head is better than good"
    assert not found.is_hint
    assert found.caveat == ""


@pytest.mark.parametrize(
    ("p_value", "verdict"),
    [
        (0.049, "the head is worse than poor"),
        (0.05, "no clear difference between the head and poor"),
        (float("nan"), "too few genes to compare the head with poor"),
    ],
)
def test_the_verdict_goes_by_the_p_value(p_value, verdict):
    found, _ = headline_of(predictions(6), ["poor"])
    worse = replace(found, difference=Interval(-0.1, -0.2, 0.1), p_value=p_value)
    assert worse.verdict == verdict


def test_few_genes_are_only_a_hint():
    assert headline_of(predictions(11), ["poor"])[0].is_hint
    assert not headline_of(predictions(12), ["poor"])[0].is_hint


def test_one_gene_with_nearly_all_rows_is_only_a_hint_too():
    rows = predictions(20)
    rows["gene"] = np.where(np.arange(len(rows)) < 150, "LARGE", rows["gene"])
    rows["block"] = np.where(np.arange(len(rows)) < 150, 0, rows["block"])
    found, _ = headline_of(rows, ["poor"])
    assert found.units == 6
    assert found.is_hint


def test_without_a_value_the_reason_stands_there():
    found, _ = headline_of(predictions(6).assign(head=1.0), ["poor"])
    assert found.missing == "every prediction is the same"
    assert "no rank correlation on carriers: every prediction is the same" in found.verdict
    nobody, _ = headline_of(predictions(6).assign(carries_alt=False), ["poor"])
    assert nobody.missing == "no test row carries an allele"
    assert nobody.rows == 0


def test_an_interval_is_written_as_far_as_it_is_known():
    assert str(Interval(0.412, 0.35, 0.47)) == "0.41 [0.35, 0.47]"
    assert str(Interval(0.412, float("nan"), float("nan"))) == "0.41"
    assert str(Interval(*[float("nan")] * 3)) == "-"


def test_pathogenicity_over_all_consequences_is_said_to_be_that():
    rows = predictions(8)
    rows["label"] = (rows["label"] > 2).astype(float)
    rows["clinical_significance"] = np.where(rows["label"] == 1, "Pathogenic", "Benign")

    def found(rows):
        evaluation = evaluate(rows, ["head", "poor"], PATHOGENICITY)
        compared = compare(evaluation, "head", ["poor"], PATHOGENICITY)
        return headline(evaluation, compared, "head", PATHOGENICITY)

    across = found(rows.assign(consequence=[f"term {number}" for number in range(80)]))
    assert across.subset == "carriers"
    assert "ClinVar classifies partly by consequence" in across.caveat
    within = found(rows)
    assert (within.subset, within.caveat) == ("within missense variant", "")
