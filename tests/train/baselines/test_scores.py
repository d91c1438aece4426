"""Baselines of a fold: calibrated as the head is, and left out where they cannot be."""

import numpy as np
import pandas as pd
import pytest

from evoflow.labels.target import PATHOGENICITY
from evoflow.settings import UserColumn
from evoflow.train.baselines.scores import (
    LIKELIHOOD,
    simple_baselines,
    user_baselines,
    why_no_likelihoods,
)
from evoflow.train.folds import Fold, folds_of


@pytest.fixture
def fold():
    """40 SNVs for each of train, validation and test; half of them are carried and score 5."""
    number = np.arange(120)
    carried = number % 2 == 0
    examples = pd.DataFrame(
        {
            "individual": "A", "contig": "1", "position": number, "ref": "A", "alt": "C",
            "carries_alt": carried,
            "label": np.where(carried, 5, 0), "consequence": "missense_variant",
            "sequence": "ACGT" * 5, "reference_sequence": "ACGT" * 5, "variant_offset": 8,
            "genotype": "0/1", "gene": "G", "impact": "MODERATE", "strand": "+",
        }
    )  # fmt: skip
    rows = pd.DataFrame(
        {
            "fold": 0, "split": np.repeat(["train", "validation", "test"], 40), "example": number,
            "read": number, "window": number + 120, "weight": 1.0,
        }
    )  # fmt: skip
    return folds_of(examples, rows)[0]


def test_each_baseline_predicts_every_test_example_on_the_scale_of_the_score(fold):
    found = simple_baselines(fold, None, seed=0)
    assert list(found) == ["training_mean", "carrier_bit", "allele_type", "boosted_trees"]
    for name, predicted in found.items():
        assert predicted.shape == (40,), name
        assert ((predicted >= 0) & (predicted <= 10)).all(), name
    carried = fold.own_reads("test")["carries_alt"].to_numpy()
    np.testing.assert_allclose(found["carrier_bit"][carried], 5)


def test_an_allele_counts_once_for_the_means_however_many_reads_it_gives(fold):
    severe = fold.examples.assign(label=fold.examples["label"].where(fold.examples.index != 0, 10))
    examples = pd.concat([severe, severe.iloc[[0, 0, 0]]], ignore_index=True)
    rows = fold.sides["train"]
    more = pd.concat([rows, rows.iloc[[0, 0, 0]].assign(example=[120, 121, 122])])
    found = simple_baselines(Fold(examples, {**fold.sides, "train": more}), None, seed=0)
    carried = fold.own_reads("test")["carries_alt"].to_numpy()
    # 19 carried alleles have a 5 and one a 10.
    assert found["training_mean"] == pytest.approx(np.full(40, 5.25))
    assert found["carrier_bit"] == pytest.approx(np.where(carried, 5.25, 0))


def test_without_a_carrier_to_validate_on_predictions_are_not_calibrated(fold):
    carried = fold.examples["carries_alt"] & ~fold.examples.index.isin(range(40, 80))
    examples = fold.examples.assign(carries_alt=carried, label=np.where(carried, 5, 0))
    found = simple_baselines(Fold(examples, fold.sides), None, seed=0)
    assert found["training_mean"] == pytest.approx(np.full(40, 5.0))
    assert np.isfinite(found["boosted_trees"]).all()


def test_a_layer_without_likelihoods_is_the_reason_why_their_baseline_is_missing():
    why = "layer 2 needs only some of the model's blocks, and a likelihood all of them"
    assert why_no_likelihoods(np.full(240, np.nan), [2]) == why
    assert why_no_likelihoods(np.array([0.0, np.nan]), [2]) == why
    assert why_no_likelihoods(np.zeros(240), ["final"]) is None


def test_the_likelihood_ratio_ranks_as_it_ranks_in_training(fold):
    # The read of a carried allele is less likely than its window, that of a reference read as.
    likelihood = np.where(np.arange(240) % 2 == 0, -1.0, -1.5)
    likelihood[:120] -= np.where(np.arange(120) % 2 == 0, 0.3, 0.0)
    predicted = simple_baselines(fold, likelihood, seed=0)[LIKELIHOOD]
    carried = fold.own_reads("test")["carries_alt"].to_numpy()
    assert predicted[carried].min() > predicted[~carried].max()


def test_a_column_is_turned_where_it_falls_with_the_label_of_the_training_alleles():
    examples = pd.DataFrame(
        {
            "individual": "A", "contig": "1", "position": range(6), "ref": "A", "alt": "C",
            "carries_alt": True,
            "label": [1.0, 2.0, 3.0, 4.0, 9.0, 8.0],
            "value_AF": [0.4, 0.3, np.nan, 0.1, 0.5, np.nan],
            "value_CADD": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        }
    )  # fmt: skip
    rows = {
        side: pd.DataFrame({"example": of})
        for side, of in {"train": range(4), "validation": [0], "test": [4, 5]}.items()
    }
    columns = [UserColumn(file="f", name=name) for name in ("AF", "CADD")]
    found = user_baselines(Fold(examples, rows), columns)
    np.testing.assert_array_equal(found["column_AF"], [-0.5, np.nan])
    np.testing.assert_array_equal(found["column_CADD"], [5.0, 6.0])


def test_where_annotation_is_not_the_label_it_is_a_baseline(fold):
    examples = fold.examples.assign(label=(fold.examples["label"] > 0).astype(float))
    found = simple_baselines(Fold(examples, fold.sides), None, seed=0, target=PATHOGENICITY)
    assert list(found) == ["training_mean", "consequence_lookup", "allele_type", "boosted_trees"]
    assert all(((predicted >= 0) & (predicted <= 1)).all() for predicted in found.values())
    np.testing.assert_allclose(found["consequence_lookup"], 0.5)  # all are missense
