import numpy as np
import pandas as pd
import pytest

from evoflow.augment.balance import balance
from evoflow.settings import BalanceSettings


@pytest.fixture
def examples(table):
    """Eight loci of score 0; of score 10 two alleles, with three reads and one read; one tested."""
    positions = [*range(1, 9), 20, 20, 20, 21, 30]
    frame = table(
        position=positions,
        label=[0] * 8 + [10] * 5,
        carries_alt=[False] * 8 + [True] * 5,
    )
    return frame.assign(split=["train"] * 12 + ["test"])


def balanced(examples, **settings):
    return balance(examples, BalanceSettings(**settings), seed=0)


def sources(rows, examples, score=10):
    chosen = examples["label"].to_numpy()[rows["example"]] == score
    return rows.loc[chosen, "source"].value_counts().to_dict()


def test_zero_is_off(examples):
    rows = balanced(examples, target=0)
    assert rows["example"].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 11]
    assert set(rows["source"]) == {"own read"}
    assert (rows["weight"] == 1).all()


def test_sources_are_used_in_order(examples):
    # The commonest score has 8 alleles; score 10 has 2 with 4 reads.
    assert sources(balanced(examples, target=0.5), examples) == {
        "own read": 2,
        "carrier read": 2,  # 8 * (2 / 8) ** 0.5 = 4 rows
    }
    assert sources(balanced(examples), examples) == {
        "own read": 2,
        "carrier read": 2,
        "copy": 4,
    }


def test_copies_come_last_and_evenly(examples):
    rows = balanced(examples)
    copies = rows.loc[rows["source"] == "copy", "example"].value_counts()
    assert copies.to_dict() == {8: 1, 9: 1, 10: 1, 11: 1}


def test_copies_of_a_read_take_turns_on_the_strands(examples):
    examples = examples.drop(index=range(8, 11)).reset_index(drop=True)  # one read of score 10
    rows = balanced(examples)
    own = rows[examples["label"].to_numpy()[rows["example"]] == 10]
    assert own["reverse_complement"].sum() == 4
    assert sources(rows, examples) == {"own read": 1, "copy": 7}


def test_an_insertion_is_copied_and_not_turned(examples):
    examples = examples.drop(index=range(8, 11)).reset_index(drop=True)
    examples.loc[8, "alt"] = "AG"
    rows = balanced(examples)
    own = rows[examples["label"].to_numpy()[rows["example"]] == 10]
    assert not own["reverse_complement"].any()


def test_turning_does_not_depend_on_the_score(table):
    """As many rows of a rare score are turned as of a common one, and other labels change none."""
    scores = np.where(np.arange(2000) < 200, 10, 0)
    examples = table(label=scores, carries_alt=[True] * 2000).assign(split="train")
    rows = balanced(examples)
    score = examples["label"].to_numpy()[rows["example"]]
    shares = rows["reverse_complement"].groupby(score).mean()
    assert shares[0] == pytest.approx(0.5, abs=0.05)
    assert shares[10] == pytest.approx(0.5, abs=0.05)
    own = rows[rows["source"] == "own read"].set_index("example")["reverse_complement"]
    relabelled = balanced(examples.assign(label=scores[::-1]))
    again = relabelled[relabelled["source"] == "own read"].set_index("example")
    assert (again["reverse_complement"] == own).all()


def test_weights_stand_for_rows(examples):
    rows = balanced(examples, by="weights")
    assert len(rows) == 10
    assert rows["weight"].mean() == pytest.approx(1)
    score = examples["label"].to_numpy()[rows["example"]]
    totals = rows["weight"].groupby(score).sum()
    assert totals[0] == pytest.approx(totals[10])


@pytest.mark.parametrize("by", ["rows", "weights"])
def test_an_allele_that_several_people_carry_weighs_as_one(table, by):
    examples = table(
        individual=["A", "B", "C", "A", "A", "B", "A", "A", "A"],
        position=[1, 1, 1, 2, 3, 4, 1, 1, 1],
        label=[10, 10, 10, 10, 0, 0, 10, 10, 10],
        carries_alt=[True] * 4 + [False] * 2 + [True] * 3,
    ).assign(split="train")
    rows = balanced(examples, by=by)
    assert set(rows["example"]) == set(range(6))
    position = examples["position"].to_numpy()[rows["example"]]
    totals = rows["weight"].groupby(position).sum()
    assert totals.to_numpy() == pytest.approx(totals[1])


def test_an_allele_with_many_reads_weighs_as_one_with_few(examples):
    rows = balanced(examples)
    position = examples["position"].to_numpy()[rows["example"]]
    totals = rows["weight"].groupby(position).sum()
    assert totals[20] == pytest.approx(totals[21])


def test_nothing_but_training_is_balanced(examples):
    assert 12 not in set(balanced(examples)["example"])


def test_the_seed_decides(examples):
    # 8 * (2 / 8) ** 0.75 makes three rows: the own reads and one of the two others.
    wished = {"target": 0.25}
    first = [balance(examples, BalanceSettings(**wished), seed=seed) for seed in range(8)]
    assert len({tuple(rows["example"]) for rows in first}) > 1
    pd.testing.assert_frame_equal(first[3], balance(examples, BalanceSettings(**wished), seed=3))
