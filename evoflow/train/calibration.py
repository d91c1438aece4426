"""Predictions brought to the scale of what is found: a score of 5 means 5 on average.

Balanced training shows rare scores more often than they are, so a head expects too much. The
validation alleles are not balanced; an isotonic regression on them (Zadrozny and Elkan 2002,
scikit-learn) mends the scale.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.isotonic import IsotonicRegression

FEWEST_ALLELES = 20
"""Validation alleles below which predictions stay as they are."""

TILT = 0.01
"""How much of a prediction is left in its calibrated value."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """A rising line through points; without any, predictions stay as they are.

    Attributes
    ----------
    predicted, found
        Mean prediction and mean truth of each point, rising.
    """

    predicted: tuple[float, ...] = ()
    found: tuple[float, ...] = ()

    def __call__(self, predicted: Floats) -> Floats:
        """Bring predictions to the scale of what was found, shape=(n,)."""
        if not self.predicted:
            return predicted
        return np.interp(predicted, self.predicted, self.found)


UNCALIBRATED = Calibration()


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
