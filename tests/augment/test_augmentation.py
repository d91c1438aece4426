import numpy as np
import pandas as pd
import pysam
import pytest

from evoflow.augment.augmentation import augment
from evoflow.augment.leaks import SIDES
from evoflow.dna import reverse_complement
from evoflow.errors import InputError
from evoflow.extract.contexts import Contexts
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


@pytest.mark.parametrize(("folds", "ones"), [(None, 0), (3, 1)])
def test_a_column_with_a_single_label_to_learn_from_is_refused(examples, folds, ones):
    labelled = examples.assign(label=(np.arange(120) < ones).astype(int))
    # A fold that has the only 1 to test on leaves none to learn from.
    with pytest.raises(InputError, match=r"all \d+ training examples have the score 0, so a head"):
        augmented(
            labelled, split={"folds": folds}, target={"column": {"file": "a.tsv", "name": "x"}}
        )
    augmented(labelled, split={"folds": folds})  # the levels of the impact are known


def test_turned_rows_need_no_sequence_more_where_both_strands_are_embedded(examples):
    forward = augmented(examples, embedding={"strands": "forward"})
    both = augmented(examples, embedding={"strands": "both"})
    assert both.rows["example"].tolist() == forward.rows["example"].tolist()
    text = set(both.sequences["sequence"])
    assert set(forward.sequences["sequence"]) <= text
    assert len(both.sequences) < 2 * len(forward.sequences)


@pytest.fixture
def dense(table, tmp_path):
    """120 substitutions, one every 700 bases, each in a read of 20 bases; and their reference."""
    rng = np.random.default_rng(3)
    bases = "".join(rng.choice(list("ACGT"), 90_000))
    (tmp_path / "genome.fa").write_text(f">chr1\n{bases}\n")
    pysam.faidx(str(tmp_path / "genome.fa"))
    start = np.arange(120) * 700 + 3_000
    windows = [bases[at : at + 20] for at in start]
    changed = {"A": "C", "C": "G", "G": "T", "T": "A"}
    examples = table(
        position=start + 11,
        ref=[window[10] for window in windows],
        alt=[changed[window[10]] for window in windows],
        sequence=[window[:10] + changed[window[10]] + window[11:] for window in windows],
        label=np.arange(120) % 2 * 10,
        carries_alt=[True] * 120,
        reference_start=start,
        reference_end=start + 20,
    )
    return examples.assign(reference_sequence=windows), str(tmp_path / "genome.fa")


def test_contexts_of_two_sides_share_no_base(dense):
    examples, reference = dense
    model = ModelSettings()
    contexts = Contexts.read(examples, reference, 2_000)
    found = augment(examples, model, read_length=20, seed=0, contexts=contexts).examples
    used = found[found["split"].isin(SIDES)]
    assert set(used["split"]) == set(SIDES)
    for side, rows in used.groupby("split"):
        others = used.loc[used["split"] != side, "position"].to_numpy()
        assert np.abs(rows["position"].to_numpy()[:, None] - others).min() >= 2_000
    # Reads alone may lie nearer.
    alone = augment(examples, model, read_length=20, seed=0).examples
    assert (alone["split"] == "gap").sum() < (found["split"] == "gap").sum()


def test_tokens_are_kept_around_the_allele_in_its_context(dense):
    examples, reference = dense
    contexts = Contexts.read(examples, reference, 2_000)
    model = ModelSettings(embedding={"strands": "both", "tokens": {"window": 4}})
    found = augment(examples, model, read_length=20, seed=0, contexts=contexts)
    sequences = found.sequences
    assert set(sequences["sequence"].str.len()) == {2_000}
    assert not sequences.duplicated().any()
    for row in found.rows.sample(40, random_state=0).itertuples():
        example = found.examples.iloc[row.example]
        kept = {}
        for name in ("read", "window", "read_reverse", "window_reverse"):
            text, middle = sequences.iloc[getattr(row, name)][["sequence", "variant_offset"]]
            kept[name] = text[middle - 2 : middle + 2]
            if row.reverse_complement != name.endswith("reverse"):
                kept[name] = reverse_complement(kept[name])
        # Two bases before the allele, itself, and one behind.
        assert kept["read"] == kept["read_reverse"] == example["sequence"][8:12]
        assert kept["window"] == kept["window_reverse"] == example["reference_sequence"][8:12]
