import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from evoflow.train.baselines.trees import boosted_trees, features


def examples(rows, seed):
    """SNVs that are severe three bases before a G and mild elsewhere; indels that shift."""
    rng = np.random.default_rng(seed)
    bases = rng.choice(list("ACGT"), size=(rows, 40))
    shifts = np.arange(rows) % 4 == 0
    severe = (bases[:, 23] == "G") & ~shifts
    bases[:, 20] = "A"
    return pd.DataFrame(
        {
            "ref": "A",
            "alt": np.where(shifts, "ACC", "T"),
            "carries_alt": True,
            "variant_offset": 20,
            "reference_sequence": ["".join(row) for row in bases],
            "label": np.select([severe, shifts], [10, 5], 1),
        }
    )


def test_features_by_hand():
    table = pd.DataFrame(
        {
            "ref": ["GT", "C"],
            "alt": ["G", "A"],
            "carries_alt": [True, False],
            "variant_offset": [2, 0],
            "reference_sequence": ["ACGTNA", "CGTACG"],
        }
    )
    found = features(table)
    first, second = found.to_dict("records")
    assert len(first) == 6 + 16
    assert (first["carries"], first["change"], first["shift"], first["length"]) == (1, -1, 2, 2)
    assert (second["carries"], second["change"], second["shift"]) == (0, 0, 0)
    assert (first["ref base"], first["alt base"], second["alt base"]) == (2, 2, 0)
    assert (first["base -1"], first["base -2"]) == (1, 0)
    assert (first["base 1"], first["base 2"]) == (4, 0)  # N A behind GT
    assert np.isnan(first["base -3"])
    assert np.isnan(second["base -1"])
    assert second["base 1"] == 2


def test_trees_find_the_base_and_the_type_that_decide():
    training, validation, test = (examples(400, seed) for seed in range(3))
    predict = boosted_trees(training, np.ones(400), validation, seed=0)
    assert spearmanr(predict(test), test["label"]).statistic > 0.9


def test_trees_are_as_many_as_the_validation_wants():
    """Where labels are noise, fewer trees than all of them rank the validation best."""
    training, validation = (examples(300, seed) for seed in range(2))
    rng = np.random.default_rng(0)
    training["label"] = rng.permutation(training["label"])
    predicted = boosted_trees(training, np.ones(300), validation, seed=0)(validation)
    rank = spearmanr(predicted, validation["label"]).statistic
    mirrored = validation.assign(label=11 - validation["label"])
    other = boosted_trees(training, np.ones(300), mirrored, seed=0)(validation)
    assert rank > spearmanr(other, validation["label"]).statistic


@pytest.mark.parametrize("carries", [True, False])
def test_a_constant_validation_is_no_error(carries):
    training = examples(60, 0)
    validation = examples(10, 1).assign(label=1, carries_alt=carries)
    assert len(boosted_trees(training, np.ones(60), validation, seed=0)(training)) == 60
