import numpy as np
import pandas as pd

from evoflow.augment.strata import strata


def test_few_labels_are_groups_of_their_own():
    for label in (pd.Series([0, 10, 5, 0, 1]), pd.Series(range(10))):
        pd.testing.assert_series_equal(strata(label), label)
    assert strata(pd.Series(range(11))).nunique() == 5


def test_many_labels_are_fifths_named_by_their_medians():
    label = pd.Series(np.random.default_rng(0).permutation(np.arange(100.0)))
    found = strata(label)
    assert found.value_counts().sort_index().to_dict() == dict.fromkeys(
        (9.5, 29.5, 49.5, 69.5, 89.5), 20
    )
    assert (found - label).abs().max() == 9.5


def test_a_label_that_many_have_is_in_one_group():
    label = pd.Series([0.0] * 60 + list(range(1, 41)))
    found = strata(label)
    assert found[label == 0].eq(0).all()
    # The other 40 are divided into fifths of eight.
    assert found[label > 0].value_counts().sort_index().to_dict() == dict.fromkeys(
        (4.5, 12.5, 20.5, 28.5, 36.5), 8
    )
