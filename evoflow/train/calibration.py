"""Predictions brought to the scale of what is found: a score of 5 means 5 on average."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

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
