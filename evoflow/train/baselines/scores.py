"""What the baselines that need no network predict for the test examples of a fold."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evoflow.labels.allele_values import column_name, model_name
from evoflow.labels.target import IMPACT, LABEL, Target
from evoflow.settings import UserColumn
from evoflow.settings.layer_names import Layer
from evoflow.train.baselines import simple
from evoflow.train.baselines.simple import Floats, Predict
from evoflow.train.baselines.trees import boosted_trees
from evoflow.train.evaluation.weighted import rank_correlation
from evoflow.train.folds import Fold
from evoflow.train.isotonic import calibrate

LIKELIHOOD = "log_likelihood_ratio"


def simple_baselines(
    fold: Fold,
    log_likelihood: npt.NDArray[np.floating] | None,
    *,
    seed: int,
    target: Target = IMPACT,
) -> dict[str, Floats]:
    """Predict the test examples by all that needs no network.

    The consequence gives the impact itself, so it is no baseline of that; other targets have no
    reads without an allele, so that the carrier bit says nothing of them.

    Parameters
    ----------
    fold
        What is learnt from, and what is predicted.
    log_likelihood
        Mean log-likelihood of every sequence, shape=(sequences,); None leaves out what needs it.
    seed
        Of the trees.
    target
        What the label is.
    """
    rows = fold.table("train")
    weight = fold.sides["train"]["weight"].to_numpy()
    alleles, validation = fold.own_reads("train"), fold.own_reads("validation")
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
    test = fold.own_reads("test")
    found = {
        name: _calibrated(fold, target, predict(validation), predict(test))
        for name, predict in models.items()
    }
    if log_likelihood is not None:
        found[LIKELIHOOD] = _by_likelihoods(fold, log_likelihood, target)
    return found


def why_no_likelihoods(
    log_likelihood: npt.NDArray[np.floating], layers: Sequence[Layer]
) -> str | None:
    """Say why there is no baseline of likelihoods; None where there is one."""
    if np.isfinite(log_likelihood).all():
        return None
    names = ", ".join(map(str, layers))
    return f"layer {names} needs only some of the model's blocks, and a likelihood all of them"


def _by_likelihoods(fold: Fold, log_likelihood: npt.NDArray[np.floating], target: Target) -> Floats:
    nothing = np.empty((0, 0, 0), np.float16)
    training, validation, test = (fold.pairs(nothing, side) for side in fold.sides)
    predict = simple.likelihood_ratio(log_likelihood, training)
    return _calibrated(fold, target, predict(validation), predict(test))


def _calibrated(fold: Fold, target: Target, validation: Floats, test: Floats) -> Floats:
    """Calibrate predictions on the validation's carried alleles, as the head's are."""
    checked = fold.own_reads("validation")
    carried = checked["carries_alt"].to_numpy(dtype=bool)
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
    training, test = fold.own_reads("train"), fold.own_reads("test")
    training = training[training["carries_alt"].astype(bool)]
    found = {}
    for column in columns:
        known = training.dropna(subset=column_name(column))
        value = known[column_name(column)].to_numpy(dtype=np.float64)
        falls = rank_correlation(value, known[LABEL].to_numpy(dtype=np.float64)) < 0
        tested = test[column_name(column)].to_numpy(dtype=np.float64)
        found[model_name(column)] = -tested if falls else tested
    return found
