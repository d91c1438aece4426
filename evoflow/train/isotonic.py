"""Calibration of a model's predictions on alleles that it has not learnt from.

Balanced training shows rare scores more often than they are, so a head expects too much. The
validation alleles are not balanced; an isotonic regression on them (Zadrozny and Elkan 2002,
scikit-learn) corrects the scale.
"""

import numpy as np
from sklearn.isotonic import IsotonicRegression

from evoflow.train.calibration import UNCALIBRATED, Calibration, Floats

FEWEST_ALLELES = 20
"""Validation alleles below which predictions stay as they are."""

TILT = 0.01
"""How much of a prediction is left in its calibrated value."""


def calibrate(predicted: Floats, truth: Floats, ends: tuple[float, float]) -> Calibration:
    """Fit the line to predictions of alleles that the model has not learnt from.

    The steps of an isotonic regression are flat; a share `TILT` of the prediction itself keeps
    alleles in their order.

    Parameters
    ----------
    predicted, truth
        Of each allele, shape=(n,).
    ends
        The lowest and the highest prediction there can be.
    """
    if len(truth) < FEWEST_ALLELES or np.ptp(truth) == 0 or np.ptp(predicted) == 0:
        return UNCALIBRATED
    steps = IsotonicRegression().fit(predicted, truth)
    x = np.unique(np.concatenate([[ends[0]], steps.X_thresholds_, [ends[1]]]))
    flat = np.interp(x, steps.X_thresholds_, steps.y_thresholds_)
    found = (1 - TILT) * flat + TILT * x
    return Calibration(tuple(x.tolist()), tuple(found.tolist()))
