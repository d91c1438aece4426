"""Which examples each training uses."""

import numpy as np
import pandas as pd
import pytest

from evoflow.labels.target import IMPACT, PATHOGENICITY, column
from evoflow.train.folds import Fold, folds_of


@pytest.fixture
def folds():
    """Two folds of five examples; of the last two, one is another read of the other's allele.

    Example 2 is twice in the training rows of the first fold.
    """
    examples = pd.DataFrame(
        {
            "individual": "A", "contig": "1", "position": [1, 2, 3, 4, 4], "ref": "A", "alt": "C",
            "carries_alt": [True, False, True, False, False], "label": [10, 0, 5, 0, 0],
        },
        index=[7, 8, 9, 10, 11],
    )  # fmt: skip
    rows = pd.DataFrame(
        [
            (0, "train", 2), (0, "train", 0), (0, "train", 2), (0, "validation", 1),
            (0, "test", 3), (1, "train", 4), (1, "train", 3), (1, "validation", 0),
        ],
        columns=["fold", "split", "example"],
    )  # fmt: skip
    return folds_of(examples, rows.assign(read=0, window=1, weight=1.0))


def test_each_fold_has_its_own_rows(folds):
    assert [len(fold.sides["train"]) for fold in folds] == [3, 2]
    assert [fold.is_tested for fold in folds] == [True, False]


def test_tables_follow_the_rows_and_own_reads_come_once_an_allele_in_order(folds):
    assert folds[0].table("train").index.tolist() == [9, 7, 9]
    assert folds[0].own_reads("train").index.tolist() == [7, 9]
    assert folds[1].own_reads("train").index.tolist() == [10]


def test_pairs_take_score_and_allele_from_the_example_of_the_row(folds):
    pairs = folds[0].pairs(np.zeros((2, 1, 1), np.float16), "train")
    assert pairs.target.tolist() == [5, 10, 5]
    assert pairs.carries.tolist() == [True, True, True]
    assert folds[0].pairs(np.zeros((2, 1, 1), np.float16), "test").carries.tolist() == [False]


def fold_of(training, test):
    """A fold whose training and test examples have these labels."""
    examples = pd.DataFrame({"label": [*training, *test]})
    numbers = np.arange(len(examples))
    sides = {"train": numbers[: len(training)], "test": numbers[len(training) :]}
    return Fold(examples, {side: pd.DataFrame({"example": rows}) for side, rows in sides.items()})


def test_a_target_may_fix_the_levels():
    fold = fold_of([0, 10], [5])
    assert fold.levels(IMPACT) == (0, 1, 2, 5, 10)
    assert fold.levels(PATHOGENICITY) == (0, 1)


def test_else_the_training_rows_decide_and_the_test_rows_do_not():
    target = column("score")
    assert fold_of([2, -1, 2, 0], [7]).levels(target) == (-1, 0, 2)
    many = fold_of(np.arange(101) / 10, [99]).levels(target)
    assert many == pytest.approx(np.arange(11))


def test_a_label_that_most_have_leaves_the_tenths_to_the_others():
    levels = fold_of([0.0] * 930 + list(range(1, 72)), [99]).levels(column("score"))
    assert levels == pytest.approx([0, *range(1, 72, 7)])
