"""What the baselines that need no network predict for the test examples of a fold."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evoflow.labels.allele_values import column_name, model_name
from evoflow.layers import Layer
from evoflow.settings import UserColumn
from evoflow.target import IMPACT, LABEL, Target
from evoflow.train.baselines import simple
from evoflow.train.baselines.simple import Floats, Predict
from evoflow.train.baselines.trees import boosted_trees
from evoflow.train.fit import spearman
from evoflow.train.folds import Fold
from evoflow.train.isotonic import calibrate

LIKELIHOOD = "log_likelihood_ratio"


def simple_baselines(fold: Fold, seed: int, target: Target = IMPACT) -> dict[str, Floats]:
    """Predict the test examples by what needs neither a network nor likelihoods.

    The consequence gives the impact itself, so it is no baseline of that; other targets have no
    reads without an allele, so that the carrier bit says nothing of them.
    """
    rows = fold.table("train")
    weight = fold.sides["train"]["weight"].to_numpy()
    alleles, validation = fold.held_out("train"), fold.held_out("validation")
    looked_up = (
        {"carrier_bit": simple.carrier_bit(alleles)}
        if target == IMPACT
        else {"consequence_lookup": simple.consequence_lookup(alleles)}
    )
    models: dict[str, Predict] = {
        "training_mean": simple.training_mean(alleles),
        **looked_up,
        "allele_type": simple.allele_type(rows, weight),
        "boosted_trees": boosted_trees(rows, weight, validation, seed=seed),
    }
    test = fold.held_out("test")
    return {
        name: _calibrated(fold, target, predict(validation), predict(test))
        for name, predict in models.items()
    }


def add_likelihoods(
    models: list[dict[str, Floats]],
    folds: Sequence[Fold],
    log_likelihood: npt.NDArray[np.floating],
    layers: Sequence[Layer],
    target: Target = IMPACT,
) -> dict[str, str]:
    """Predict by the likelihood ratio too; say why, where there is none."""
    if not np.isfinite(log_likelihood).all():
        names = ", ".join(map(str, layers))
        why = f"layer {names} needs only some of the model's blocks, and a likelihood all of them"
        return {LIKELIHOOD: why}
    nothing = np.empty((0, 0, 0), np.float16)
    for fold, predicted in zip(folds, models, strict=True):
        training, validation, test = (fold.pairs(nothing, side) for side in fold.sides)
        predict = simple.likelihood_ratio(log_likelihood, training)
        predicted[LIKELIHOOD] = _calibrated(fold, target, predict(validation), predict(test))
    return {}


def _calibrated(fold: Fold, target: Target, validation: Floats, test: Floats) -> Floats:
    """Calibrate predictions on the validation's carried alleles, as the head's are."""
    checked = fold.held_out("validation")
    carried = checked["carries_alt"].to_numpy(dtype=bool)
    carried = carried if carried.any() else ~carried
    truth = checked[LABEL].to_numpy(dtype=np.float64)
    lowest, *_, highest = fold.levels(target)
    ends = (lowest, highest)
    calibration = calibrate(validation[carried], truth[carried], ends)
    return calibration(np.clip(test, *ends))


def user_baselines(fold: Fold, columns: Sequence[UserColumn]) -> dict[str, Floats]:
    """Rank the test examples by users' columns; NaN where a column has no value.

    A column falls where it does so on the training's carried alleles, as a frequency does with
    the severity. It keeps its own scale: only the order counts.
    """
    training, test = fold.held_out("train"), fold.held_out("test")
    training = training[training["carries_alt"].astype(bool)]
    found = {}
    for column in columns:
        known = training.dropna(subset=column_name(column))
        value = known[column_name(column)].to_numpy(dtype=np.float64)
        falls = spearman(value, known[LABEL].to_numpy(dtype=np.float64)) < 0
        tested = test[column_name(column)].to_numpy(dtype=np.float64)
        found[model_name(column)] = -tested if falls else tested
    return found
