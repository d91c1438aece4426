"""Calibration of a model's predictions on alleles that it has not learnt from.

Balanced training shows rare scores more often than they are, so a head expects too much. The
validation alleles are not balanced; an isotonic regression on them (Zadrozny and Elkan 2002)
corrects the scale.
"""

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression

from evoflow.train.calibration import UNCALIBRATED, Calibration, Floats

FEWEST_ALLELES = 20
"""Validation alleles below which predictions stay as they are."""

TILT = 0.01
"""How much of a prediction is left in its calibrated value."""


def calibrate(predicted: Floats, truth: Floats, ends: tuple[float, float]) -> Calibration:
    """Fit the line to predictions of alleles that the model has not learnt from.

    The steps of an isotonic regression are flat; a share `TILT` of the prediction itself keeps
    alleles in their order. A model that predicts one value for all of them has no steps: that value
    becomes the mean truth, and the ends stay.

    Parameters
    ----------
    predicted, truth
        Of each allele, shape=(n,).
    ends
        The lowest and the highest prediction there can be.
    """
    if len(truth) < FEWEST_ALLELES or np.ptp(truth) == 0:
        return UNCALIBRATED
    if np.ptp(predicted) == 0:
        mean = float(np.clip(truth.mean(), *ends))
        points = {end: end for end in ends} | {float(predicted[0]): mean}
        return Calibration(tuple(sorted(points)), tuple(points[x] for x in sorted(points)))
    known, of_known, alleles = np.unique(predicted, return_inverse=True, return_counts=True)
    means = np.bincount(of_known, truth) / alleles
    steps = isotonic_regression(means, weights=alleles).x
    kept = _ends_of_steps(steps)
    x = np.unique(np.concatenate([[ends[0]], known[kept], [ends[1]]]))
    flat = np.interp(x, known, steps)
    found = (1 - TILT) * flat + TILT * x
    return Calibration(tuple(x.tolist()), tuple(found.tolist()))


def _ends_of_steps(steps: Floats) -> npt.NDArray[np.bool_]:
    """Tell where a step begins or ends: what lies between says nothing more."""
    rises = np.pad(np.diff(steps) > 0, 1, constant_values=True)
    ends: npt.NDArray[np.bool_] = rises[1:] | rises[:-1]
    return ends
