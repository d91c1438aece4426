"""95% intervals by leaving out one independent unit of the genome at a time.

Rows of one gene are alike, so a gene is the unit. A percentile bootstrap over few units is too
narrow. The delete-one jackknife with Student's t (Efron and Tibshirani, "An Introduction to the
Bootstrap", chapter 11) covers what it promises, as `test_jackknife.py` and `bench_intervals.py`
show. Genes differ in size, which leaves fewer degrees of freedom than there are genes: they are
those of the number of equal units with the same spread of weights (Kish, "Survey Sampling", 1965,
section 8.2).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

Floats = npt.NDArray[np.float64]

MOST_GROUPS = 100
"""Groups of units that are left out in turn, at most; beyond, an interval gains nothing."""

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Groups:
    """Rows that are left out together.

    Attributes
    ----------
    numbers
        Group of every row, shape=(n,), 0-based.
    units
        Independent units among the rows.
    effective
        How many units of equal weight would tell as much: at most the number of groups.
    """

    numbers: npt.NDArray[np.int64]
    units: int
    effective: float

    @classmethod
    def of(cls, unit: npt.NDArray[np.integer], weight: Floats) -> Self:
        """Group rows by their unit; many units are spread over `MOST_GROUPS` of equal weight.

        Parameters
        ----------
        unit
            Unit of every row, shape=(n,).
        weight
            What each row counts, shape=(n,).
        """
        _, codes = np.unique(unit, return_inverse=True)
        total = np.bincount(codes, weight)
        group = np.arange(len(total))
        if len(total) > MOST_GROUPS:
            held = np.zeros(MOST_GROUPS)
            for number in np.argsort(-total, kind="stable"):
                group[number] = np.argmin(held)
                held[group[number]] += total[number]
        of_group = np.bincount(group, total)
        effective = of_group.sum() ** 2 / (of_group**2).sum() if len(total) else 0.0
        return cls(group[codes], len(total), float(effective))

    def weights(self, weight: Floats) -> Floats:
        """Lay out the weights of all rows, then those without each group: (1 + groups, n)."""
        without = np.arange(self.numbers.max(initial=-1) + 1)[:, None] != self.numbers
        return np.vstack([np.ones(len(weight), bool), without]) * weight


@dataclass(frozen=True)
class Jackknifed:
    """A value, and what it is without each group of rows.

    Attributes
    ----------
    value
        From all rows.
    left_out
        Without each group, shape=(groups,); NaN where that leaves it undefined.
    effective
        Equal units that would tell as much: one more than the degrees of freedom.
    """

    value: float
    left_out: Floats
    effective: float

    def __sub__(self, other: "Jackknifed") -> "Jackknifed":
        """Subtract what was computed on the same rows."""
        return Jackknifed(self.value - other.value, self.left_out - other.left_out, self.effective)

    @cached_property
    def error(self) -> float:
        """Standard error; NaN where a single group decides whether the value is defined."""
        groups = len(self.left_out)
        if groups < 2:
            return float("nan")
        deviations = self.left_out - self.left_out.mean()
        return float(np.sqrt((groups - 1) / groups * (deviations**2).sum()))

    def interval(self) -> tuple[float, float]:
        """Return the ends of the 95% interval."""
        reach = self.error * stdtrit(max(self.effective - 1, 1), (1 + CONFIDENCE) / 2)
        return float(self.value - reach), float(self.value + reach)

    def p_value(self) -> float:
        """Two-sided, of the hypothesis that the value is 0; 1 where nothing varies."""
        if self.error == 0:
            return 1.0 if self.value == 0 else 0.0
        return float(2 * stdtr(max(self.effective - 1, 1), -abs(self.value / self.error)))


def holm(p_values: Floats) -> Floats:
    """Correct p-values for multiple testing (Holm 1979); order is kept, and NaN stays NaN."""
    order = np.argsort(p_values, kind="stable")
    left = int(np.isfinite(p_values).sum()) - np.arange(len(p_values))  # NaN come last
    stepped = np.maximum.accumulate(p_values[order] * np.maximum(left, 1))
    corrected = np.empty_like(p_values)
    corrected[order] = np.minimum(stepped, 1)
    return corrected
