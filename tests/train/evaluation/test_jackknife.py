import numpy as np
import pytest
from scipy import stats

from evoflow.train.evaluation.jackknife import MOST_GROUPS, Groups, Jackknifed, holm
from evoflow.train.evaluation.weighted import mean, spearman


def jackknifed(statistic, units, *values):
    weight = np.ones(len(units))
    groups = Groups.of(units, weight)
    value, *left_out = statistic(*values, groups.weights(weight))
    return Jackknifed(value, np.array(left_out), groups.effective)


def test_of_a_mean_it_is_the_interval_of_a_t_test():
    values = np.array([1.0, 4, 2, 8, 5, 7])
    found = jackknifed(mean, np.arange(6), values)
    expected = stats.ttest_1samp(values, 0)
    assert found.interval() == pytest.approx(tuple(expected.confidence_interval()))
    assert found.p_value() == pytest.approx(expected.pvalue)
    difference = found - jackknifed(mean, np.arange(6), values[::-1].copy())
    paired = stats.ttest_rel(values, values[::-1])
    assert difference.interval() == pytest.approx(tuple(paired.confidence_interval()))


def test_rows_repeated_within_a_unit_make_nothing_surer():
    values = np.array([1.0, 4, 2, 8, 5, 7])
    once = jackknifed(mean, np.arange(6), values)
    repeated = jackknifed(mean, np.repeat(np.arange(6), 9), np.repeat(values, 9))
    assert repeated.interval() == pytest.approx(once.interval())


def test_unequal_units_leave_fewer_degrees_of_freedom():
    units = np.repeat(np.arange(4), [6, 2, 2, 2])
    # (6 + 2 + 2 + 2)^2 / (36 + 4 + 4 + 4) = 3
    assert Groups.of(units, np.ones(12)).effective == pytest.approx(3)
    assert Groups.of(units, np.ones(12)).units == 4


def test_many_units_are_left_out_in_groups_of_equal_weight():
    groups = Groups.of(np.arange(1000) // 2, np.ones(1000))
    assert groups.units == 500
    assert np.bincount(groups.numbers).tolist() == [10] * MOST_GROUPS
    assert all(len(set(groups.numbers[unit : unit + 2])) == 1 for unit in range(0, 1000, 2))


def test_holm_by_hand():
    # sorted 0.01 0.02 0.03 0.5, times 4 3 2 1: 0.04 0.06 0.06 0.5
    corrected = holm(np.array([0.03, 0.01, 0.5, 0.02]))
    assert corrected == pytest.approx([0.06, 0.04, 0.5, 0.06])
    assert holm(np.array([0.9, 0.8])).tolist() == [1, 1]


def genes(units, rng):
    """Test rows of genes that differ in size, in what they hold and in how well models do."""
    rows = np.maximum(3, np.round(np.exp(rng.normal(2.5, 0.5, units)))).astype(int)
    mixture = rng.dirichlet([2, 2, 2, 1], units)
    gene = np.repeat(np.arange(units), rows)
    # A draw from each gene's own mixture of scores.
    level = (rng.random(len(gene))[:, None] > mixture.cumsum(axis=1)[gene, :-1]).sum(axis=1)
    score = np.array([1.0, 2, 5, 10])[level]
    noise = rng.normal(0, 1.5, len(gene))
    head = rng.normal(0.6, 0.25, units).clip(0)[gene] * score + rng.normal(0, 0.8, units)[gene]
    head += noise + rng.normal(0, 2, len(gene))
    baseline = 0.4 * score + rng.normal(0, 1, units)[gene] + 0.6 * noise
    baseline += rng.normal(0, 2, len(gene))
    return gene, score, head, baseline


@pytest.fixture(scope="module")
def truth():
    _, score, head, baseline = genes(20_000, np.random.default_rng(1))
    correlations = [stats.spearmanr(score, model).statistic for model in (head, baseline)]
    return correlations[0], correlations[0] - correlations[1]


@pytest.mark.parametrize("units", [6, 12, 50])
def test_ninety_five_percent_of_intervals_hold_the_truth(units, truth):
    rng = np.random.default_rng(units)
    repeats = 500
    held = np.zeros(2)
    for _ in range(repeats):
        gene, score, head, baseline = genes(units, rng)
        ours, theirs = (jackknifed(spearman, gene, score, model) for model in (head, baseline))
        for number, found in enumerate((ours, ours - theirs)):
            low, high = found.interval()
            held[number] += low <= truth[number] <= high
    assert ((held / repeats >= 0.93) & (held / repeats <= 0.97)).all(), held / repeats


def test_unknown_p_values_stay_and_do_not_count():
    found = holm(np.array([np.nan, 0.01, 0.04]))
    np.testing.assert_allclose(found, [np.nan, 0.02, 0.04])
