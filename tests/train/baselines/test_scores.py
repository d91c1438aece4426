"""Baselines of a fold: calibrated as the head is, and left out where they cannot be."""

import numpy as np
import pandas as pd
import pytest

from evoflow.train.baselines.scores import LIKELIHOOD, add_likelihoods, simple_baselines
from evoflow.train.folds import folds_of


@pytest.fixture
def fold():
    """40 SNVs for each of train, validation and test; half of them are carried and score 5."""
    number = np.arange(120)
    carried = number % 2 == 0
    examples = pd.DataFrame(
        {
            "contig": "1", "position": number, "ref": "A", "alt": "C", "carries_alt": carried,
            "impact_score": np.where(carried, 5, 0), "consequence": "missense_variant",
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
    found = simple_baselines(fold, seed=0)
    assert list(found) == ["training_mean", "carrier_bit", "allele_type", "boosted_trees"]
    for name, predicted in found.items():
        assert predicted.shape == (40,), name
        assert ((predicted >= 0) & (predicted <= 10)).all(), name
    carried = fold.held_out("test")["carries_alt"].to_numpy()
    np.testing.assert_allclose(found["carrier_bit"][carried], 5)


def test_a_layer_without_likelihoods_leaves_their_baseline_out(fold):
    models = [{}]
    why = add_likelihoods(models, [fold], np.full(240, np.nan), [2])
    assert why == {
        LIKELIHOOD: "layer 2 needs only some of the model's blocks, and a likelihood all of them"
    }
    assert models == [{}]


def test_the_likelihood_ratio_ranks_as_it_ranks_in_training(fold):
    # The read of a carried allele is less likely than its window, that of a reference read as.
    likelihood = np.where(np.arange(240) % 2 == 0, -1.0, -1.5)
    likelihood[:120] -= np.where(np.arange(120) % 2 == 0, 0.3, 0.0)
    models = [{}]
    assert add_likelihoods(models, [fold], likelihood, ["final"]) == {}
    assert models[0][LIKELIHOOD].shape == (40,)
    assert np.isfinite(models[0][LIKELIHOOD]).all()
