import numpy as np
import pytest
from scipy.stats import spearmanr

from evoflow.train.calibration import UNCALIBRATED
from evoflow.train.isotonic import calibrate


def test_a_head_that_expects_too_much_is_brought_down():
    rng = np.random.default_rng(0)
    truth = rng.choice([1.0, 2, 5, 10], 4000, p=[0.7, 0.1, 0.1, 0.1])
    predicted = np.clip(0.5 * truth + 4 + rng.normal(0, 1, 4000), 0, 10)
    known, new = slice(0, 2000), slice(2000, None)
    calibrated = calibrate(predicted[known], truth[known], (0, 10))(predicted[new])
    assert predicted[new].mean() - truth[new].mean() > 2.5
    assert calibrated.mean() == pytest.approx(truth[new].mean(), abs=0.15)
    for low, high in ((0, 2), (2, 6), (6, 10)):
        alike = (calibrated >= low) & (calibrated < high)
        assert calibrated[alike].mean() == pytest.approx(truth[new][alike].mean(), abs=0.5)


def test_alleles_keep_their_order():
    rng = np.random.default_rng(1)
    truth = rng.choice([1.0, 2, 5, 10], 60)
    predicted = np.clip(truth + rng.normal(0, 3, 60), 0, 10)
    new = np.linspace(0.05, 9.95, 200)
    calibrated = calibrate(predicted, truth, (0, 10))(new)
    assert spearmanr(new, calibrated).statistic == pytest.approx(1)
    assert calibrated.min() >= 0
    assert calibrated.max() <= 10


def test_steps_by_hand():
    predicted, truth = np.repeat([2.0, 4, 6], 10), np.repeat([1.0, 1, 5], 10)
    found = calibrate(predicted, truth, (0, 10))
    # 1 up to 4, 5 from 6 on, halfway between them 3; and a hundredth of the prediction.
    expected = [0.99 * 1 + 0.03, 0.99 * 3 + 0.05, 0.99 * 5 + 0.06]
    assert found(np.array([3.0, 5.0, 6.0])) == pytest.approx(expected)
    assert found(np.array([0.0, 10.0])) == pytest.approx([0.99, 0.99 * 5 + 0.1])


def test_one_value_for_all_alleles_becomes_their_mean_and_the_ends_stay():
    found = calibrate(np.full(20, 4.0), np.repeat([1.0, 5.0], [15, 5]), (0, 10))
    # The mean of the truth is 2; halfway from 4 to 10, so is what is found.
    assert found(np.array([0.0, 4.0, 7.0, 10.0])).tolist() == [0, 2, 6, 10]


@pytest.mark.parametrize(
    ("predicted", "truth"),
    [
        (np.arange(19.0), np.arange(19.0)),
        (np.arange(30.0), np.ones(30)),
    ],
)
def test_what_says_nothing_changes_nothing(predicted, truth):
    found = calibrate(predicted, truth, (0, 30))
    assert found == UNCALIBRATED
    assert found(np.array([3.0])).tolist() == [3]
