import numpy as np
import pandas as pd
import pytest

from evoflow.augment.augmentation import augment
from evoflow.settings import ModelSettings


@pytest.fixture
def examples(table):
    """40 genes with three alleles each, every fourth of them severe."""
    gene = np.repeat(np.arange(40), 3)
    return table(
        position=gene * 50_000 + np.tile([1, 400, 900], 40),
        gene=[f"G{number}" for number in gene],
        label=np.where(gene % 4 == 0, 10, 1),
        carries_alt=[True] * 120,
    )


def augmented(examples, **model):
    return augment(examples, ModelSettings(**model), read_length=20, seed=0)


def test_a_split_is_one_training(examples):
    found = augmented(examples)
    assert set(found.rows["fold"]) == {0}
    assert set(found.rows["split"]) == {"train", "validation", "test"}
    assert len(found.training_rows) == (found.rows["split"] == "train").sum()


def test_folds_are_trainings_on_sequences_that_are_listed_once(examples):
    found = augmented(examples, split={"folds": 4})
    assert set(found.rows["fold"]) == {0, 1, 2, 3, 4}
    assert not found.sequences.duplicated().any()
    tested = found.rows[found.rows["split"] == "test"]
    assert sorted(tested["example"].unique()) == list(range(120))
    assert not tested[["example", "fold"]].drop_duplicates()["example"].duplicated().any()


def test_every_training_is_balanced_by_itself(examples):
    found = augmented(examples, split={"folds": 4})
    score = examples["label"].to_numpy()
    for _, rows in found.rows[found.rows["split"] == "train"].groupby("fold"):
        counts = pd.Series(score[rows["example"]]).value_counts()
        assert counts[10] == counts[1]


def test_no_gene_of_a_fold_is_learnt_from(examples):
    found = augmented(examples, split={"folds": 4})
    gene = examples["gene"].to_numpy()
    for _, rows in found.rows.groupby("fold"):
        genes = {side: set(gene[own["example"]]) for side, own in rows.groupby("split")}
        assert not genes["train"] & (genes["validation"] | genes.get("test", set()))


def test_turned_rows_need_no_sequence_more_where_both_strands_are_embedded(examples):
    forward = augmented(examples, embedding={"strands": "forward"})
    both = augmented(examples, embedding={"strands": "both"})
    assert both.rows["example"].tolist() == forward.rows["example"].tolist()
    text = set(both.sequences["sequence"])
    assert set(forward.sequences["sequence"]) <= text
    assert len(both.sequences) < 2 * len(forward.sequences)
