import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoflow.train.pairs import join_shards

VALUES = np.arange(24, dtype=np.float16).reshape(6, 2, 2)


@given(st.lists(st.integers(0, 6), max_size=4).map(sorted))
def test_the_division_into_shards_leaves_no_trace(cuts):
    joined = join_shards(iter(np.split(VALUES, cuts)), 6, memory=1000)
    np.testing.assert_array_equal(joined, VALUES)


def test_beyond_the_memory_a_scratch_file_holds_the_same():
    joined = join_shards(iter(np.split(VALUES, 3)), 6, memory=47)
    assert isinstance(joined, np.memmap)
    np.testing.assert_array_equal(joined, VALUES)
    assert not isinstance(join_shards([VALUES], 6, memory=48), np.memmap)


@pytest.mark.parametrize("shards", [[], [VALUES[:4]]])
def test_missing_sequences_are_noticed(shards):
    with pytest.raises(ValueError, match="should hold 6"):
        join_shards(shards, 6, memory=1000)


def test_shards_of_different_runs_are_noticed():
    with pytest.raises(ValueError, match="one run"):
        join_shards([VALUES[:3], VALUES[3:].astype(np.float32)], 6, memory=1000)


def test_targets_are_shares_of_the_highest_score(make_pairs):
    pairs = make_pairs(50)
    assert set(np.round(pairs.target * 10).astype(int)) == {0, 1, 2, 5, 10}
