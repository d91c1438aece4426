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
        impact_score=[0] * 8 + [10] * 5,
        carries_alt=[False] * 8 + [True] * 5,
    )
    return frame.assign(split=["train"] * 12 + ["test"])


def balanced(examples, **settings):
    return balance(examples, BalanceSettings(**settings), seed=0)


def sources(rows, examples, score=10):
    chosen = examples["impact_score"].to_numpy()[rows["example"]] == score
    return rows.loc[chosen, "source"].value_counts().to_dict()


def test_without_a_wish_every_allele_gives_its_own_read(examples):
    rows = balanced(examples, target=0, minimum_share=0)
    assert rows["example"].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 11]
    assert set(rows["source"]) == {"own read"}


def test_sources_are_used_in_order(examples):
    # The commonest score has 8 rows; score 10 has 2 alleles with 4 reads.
    assert sources(balanced(examples, target=0, minimum_share=0.5), examples) == {
        "own read": 2,
        "carrier read": 2,
    }
    assert sources(balanced(examples, target="uniform"), examples) == {
        "own read": 2,
        "carrier read": 2,
        "reverse complement": 4,
    }


def test_copies_come_last_and_evenly(examples):
    examples = examples.drop(index=range(8, 11)).reset_index(drop=True)  # one read of score 10
    rows = balanced(examples, target="uniform")
    assert sources(rows, examples) == {"own read": 1, "reverse complement": 1, "copy": 6}
    turned = rows.loc[rows["source"] == "copy", "reverse_complement"]
    assert turned.sum() == 3


def test_an_insertion_is_copied_and_not_turned(examples):
    examples = examples.drop(index=range(8, 11)).reset_index(drop=True)
    examples.loc[8, "alt"] = "AG"
    assert sources(balanced(examples, target="uniform"), examples) == {"own read": 1, "copy": 7}


def test_a_power_lies_between(examples):
    # s = 2 / 8; 8 * s ** (1 - 0.5) = 4 rows
    rows = balanced(examples, target=0.5, minimum_share=0)
    assert sum(sources(rows, examples).values()) == 4


def test_weights_stand_for_rows(examples):
    rows = balanced(examples, target="uniform", by="weights")
    assert len(rows) == 10
    assert rows["weight"].mean() == pytest.approx(1)
    score = examples["impact_score"].to_numpy()[rows["example"]]
    totals = rows["weight"].groupby(score).sum()
    assert totals[0] == pytest.approx(totals[10])


def test_nothing_but_training_is_balanced(examples):
    assert 12 not in set(balanced(examples, target="uniform")["example"])


def test_the_seed_decides(examples):
    wished = {"target": 0, "minimum_share": 0.3}
    first = [balance(examples, BalanceSettings(**wished), seed=seed) for seed in range(8)]
    assert len({tuple(rows["example"]) for rows in first}) > 1
    pd.testing.assert_frame_equal(first[3], balance(examples, BalanceSettings(**wished), seed=3))
