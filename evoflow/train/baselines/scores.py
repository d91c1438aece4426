"""What the baselines that need no network predict for the test examples of a fold."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evoflow.layers import Layer
from evoflow.train.baselines import simple
from evoflow.train.baselines.simple import Floats, Predict
from evoflow.train.baselines.trees import boosted_trees
from evoflow.train.folds import Fold
from evoflow.train.head_config import IMPACT_LEVELS
from evoflow.train.isotonic import calibrate

LIKELIHOOD = "log_likelihood_ratio"


def simple_baselines(fold: Fold, seed: int) -> dict[str, Floats]:
    """Predict the test examples by what needs neither a network nor likelihoods."""
    rows = fold.table("train")
    weight = fold.sides["train"]["weight"].to_numpy()
    alleles, validation = fold.held_out("train"), fold.held_out("validation")
    models: dict[str, Predict] = {
        "training_mean": simple.training_mean(alleles),
        "carrier_bit": simple.carrier_bit(alleles),
        "allele_type": simple.allele_type(rows, weight),
        "boosted_trees": boosted_trees(rows, weight, validation, seed=seed),
    }
    test = fold.held_out("test")
    return {
        name: _calibrated(fold, predict(validation), predict(test))
        for name, predict in models.items()
    }


def add_likelihoods(
    models: list[dict[str, Floats]],
    folds: Sequence[Fold],
    log_likelihood: npt.NDArray[np.floating],
    layers: Sequence[Layer],
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
        predicted[LIKELIHOOD] = _calibrated(fold, predict(validation), predict(test))
    return {}


def _calibrated(fold: Fold, validation: Floats, test: Floats) -> Floats:
    """Calibrate predictions on the validation's carried alleles, as the head's are."""
    checked = fold.held_out("validation")
    carried = checked["carries_alt"].to_numpy(dtype=bool)
    carried = carried if carried.any() else ~carried
    truth = checked["impact_score"].to_numpy(dtype=np.float64)
    ends = (IMPACT_LEVELS[0], IMPACT_LEVELS[-1])
    calibration = calibrate(validation[carried], truth[carried], ends)
    return calibration(np.clip(test, *ends))
