"""Each replicate must equal what scikit-learn and scipy give for the repeated rows."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import average_precision_score, mean_absolute_error, roc_auc_score

from evoflow.train.evaluation import weighted


@st.composite
def repeated_rows(draw):
    size = draw(st.integers(4, 12))

    def numbers(low, high):
        return draw(st.lists(st.integers(low, high), min_size=size, max_size=size))

    return tuple(np.array(numbers(*ends), dtype=float) for ends in ((0, 3), (0, 5), (0, 3)))


def replicate(statistic, counts, *values):
    return statistic(*values, counts[None, :])[0]


@given(repeated_rows())
@example((np.zeros(4), np.zeros(4), np.array([0.0, 1, 2, 2])))  # ranks that rounding moves
def test_correlations_are_those_of_the_repeated_rows(rows):
    truth, predicted, counts = rows
    repeated = [values.repeat(counts.astype(int)) for values in (truth, predicted)]
    constant = min(len(repeated[0]), *(len(np.unique(values)) for values in repeated)) < 2
    for ours, theirs in ((weighted.pearson, pearsonr), (weighted.spearman, spearmanr)):
        found = replicate(ours, counts, truth, predicted)
        if constant:
            assert np.isnan(found)
        else:
            assert found == pytest.approx(theirs(*repeated).statistic, abs=1e-9)


@given(repeated_rows())
def test_classification_is_that_of_scikit_learn(rows):
    truth, predicted, counts = rows
    positive = truth > 1
    chosen = counts > 0
    for ours, theirs in (
        (weighted.auroc, roc_auc_score),
        (weighted.average_precision, average_precision_score),
    ):
        found = replicate(ours, counts, positive, predicted)
        if not positive[chosen].any() or (ours is weighted.auroc and positive[chosen].all()):
            assert np.isnan(found)
        else:
            expected = theirs(positive[chosen], predicted[chosen], sample_weight=counts[chosen])
            assert found == pytest.approx(expected, abs=1e-9)


def test_all_positive_rows_are_found_with_full_precision():
    ones = np.ones(4)
    assert weighted.average_precision(ones == 1, np.arange(4.0), ones[None])[0] == 1


@given(repeated_rows())
def test_macro_mean_weighs_classes_alike(rows):
    truth, predicted, counts = rows
    error = np.abs(truth - predicted)
    found = replicate(weighted.macro_mean, counts, error, truth)
    held = np.unique(truth[counts > 0])
    expected = [
        mean_absolute_error(truth[own], predicted[own], sample_weight=counts[own])
        for own in (truth == one for one in held)
    ]
    assert found == pytest.approx(np.mean(expected) if expected else np.nan, nan_ok=True)


def test_rows_that_count_alike_are_correlated_as_scipy_does():
    rng = np.random.default_rng(0)
    predicted, target = rng.normal(size=50).round(1), rng.choice([1.0, 2, 5, 10], 50)
    expected = spearmanr(predicted, target).statistic
    assert weighted.rank_correlation(predicted, target) == pytest.approx(expected, abs=1e-12)
    for unknown in (np.ones(50), np.where(target == 1, np.nan, predicted)):
        assert np.isnan(weighted.rank_correlation(unknown, target))
    assert np.isnan(weighted.rank_correlation(target[:1], target[:1]))
    assert np.isnan(weighted.rank_correlation(target[:0], target[:0]))


def within_folds(metric, count, *folds):
    """One value of folds that are each given as their truth and predictions."""
    truth, predicted = (np.concatenate(side).astype(float) for side in zip(*folds, strict=True))
    number = np.repeat(np.arange(len(folds)), [len(truth) for truth, _ in folds])
    ones = np.ones((1, len(truth)))
    return weighted.within_folds(metric, count, truth, predicted, ones, fold=number)[0]


def test_correlations_of_folds_count_by_their_rows():
    # 1 of three rows, -1 of two, 0 of four that are predicted alike; one fold has a single truth.
    folds = ([0, 1, 2], [5, 6, 7]), ([0, 1], [1, 0]), ([0, 1, 2, 3], [9] * 4), ([3, 3], [1, 2])
    found = within_folds(weighted.spearman, weighted.rows_that_vary, *folds)
    assert found == pytest.approx((3 - 2) / 9)
    assert np.isnan(within_folds(weighted.spearman, weighted.rows_that_vary, folds[3]))


def test_areas_of_folds_are_the_share_of_their_pairs_in_order():
    def area(truth, predicted, weights):
        return weighted.auroc(truth == 1, predicted, weights)

    # Two pairs in order, one not, and two that are level count half; the last fold has no pair.
    folds = ([1, 0, 0], [3, 1, 2]), ([1, 0], [0, 1]), ([1, 1, 0], [4, 4, 4]), ([0, 0], [8, 9])
    assert within_folds(area, weighted.pairs, *folds) == pytest.approx(3 / 5)


@pytest.mark.parametrize("metric", ["pearson", "spearman", "auroc", "average_precision"])
def test_many_weights_are_taken_in_parts_with_the_same_result(metric, monkeypatch):
    rng = np.random.default_rng(0)
    weights = rng.random((11, 40))
    truth, predicted = rng.integers(0, 2, 40) > 0, rng.integers(0, 9, 40).astype(float)
    truth = truth if metric.startswith("a") else truth.astype(float)
    whole = getattr(weighted, metric)(truth, predicted, weights)
    divided = []
    divide = np.array_split
    monkeypatch.setattr(np, "array_split", lambda *of: divided.extend(divide(*of)) or divide(*of))
    for at_once, sets in ((120, {2, 3}), (10, {2, 3}), (240, {5, 6})):  # never one
        divided.clear()
        monkeypatch.setattr(weighted, "_AT_ONCE", at_once)
        assert getattr(weighted, metric)(truth, predicted, weights) == pytest.approx(whole, 1e-13)
        assert {len(part) for part in divided} == sets
