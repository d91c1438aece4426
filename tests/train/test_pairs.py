import numpy as np


def test_targets_are_shares_of_the_highest_score(make_pairs):
    pairs = make_pairs(50)
    assert set(np.round(pairs.target * 10).astype(int)) == {0, 1, 2, 5, 10}
