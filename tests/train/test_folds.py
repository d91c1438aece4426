"""Which examples each training uses."""

import numpy as np
import pandas as pd
import pytest

from evoflow.train.folds import folds_of


@pytest.fixture
def folds():
    """Two folds of four examples; example 2 is twice in the training rows of the first."""
    examples = pd.DataFrame(
        {"carries_alt": [True, False, True, False], "impact_score": [10, 0, 5, 0]},
        index=[7, 8, 9, 10],
    )
    rows = pd.DataFrame(
        [
            (0, "train", 2), (0, "train", 0), (0, "train", 2), (0, "validation", 1),
            (0, "test", 3), (1, "train", 3), (1, "validation", 0),
        ],
        columns=["fold", "split", "example"],
    )  # fmt: skip
    return folds_of(examples, rows.assign(read=0, window=1, weight=1.0))


def test_each_fold_has_its_own_rows(folds):
    assert [len(fold.sides["train"]) for fold in folds] == [3, 1]
    assert [fold.is_tested for fold in folds] == [True, False]


def test_tables_follow_the_rows_and_held_out_examples_come_once_in_order(folds):
    assert folds[0].table("train").index.tolist() == [9, 7, 9]
    assert folds[0].held_out("train").index.tolist() == [7, 9]


def test_pairs_take_score_and_allele_from_the_example_of_the_row(folds):
    pairs = folds[0].pairs(np.zeros((2, 1, 1), np.float16), "train")
    assert pairs.target.tolist() == [5, 10, 5]
    assert pairs.carries.tolist() == [True, True, True]
    assert folds[0].pairs(np.zeros((2, 1, 1), np.float16), "test").carries.tolist() == [False]
