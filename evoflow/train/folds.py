"""The rows of each training: one split, or every fold of a cross-validation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from evoflow.augment.leaks import SIDES
from evoflow.augment.strata import MOST_VALUES, common
from evoflow.labels.target import LABEL, Target
from evoflow.table import ALLELE
from evoflow.train.pairs import Embeddings, Pairs

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Fold:
    """One training.

    Attributes
    ----------
    examples
        The table of examples.
    sides
        For `train`, `validation` and `test` the rows, as `augment` gives them.
    """

    examples: pd.DataFrame
    sides: Mapping[str, pd.DataFrame]

    @property
    def is_tested(self) -> bool:
        """Whether there are rows to test on."""
        return len(self.sides["test"]) > 0

    def levels(self, target: Target) -> tuple[float, ...]:
        """List the ordered labels between which predictions lie.

        Where the target does not fix them they are the training rows', or of many the labels that
        more than a tenth of the rows have, and tenths of the others.
        """
        if target.levels is not None:
            return target.levels
        label = self.table("train")[LABEL]
        found = np.unique(label)
        if len(found) > MOST_VALUES:
            often = common(label, MOST_VALUES)
            tenths = np.quantile(label[~often], np.linspace(0, 1, MOST_VALUES + 1))
            found = np.unique([*label[often], *tenths])
        return tuple(float(value) for value in found)

    def pairs(self, embeddings: "Embeddings | Tensor", side: str) -> Pairs:
        """Pair up the rows of a side."""
        rows, table = self.sides[side], self.table(side)
        carries = table["carries_alt"].to_numpy()
        return Pairs.of(embeddings, rows.assign(carries_alt=carries), table[LABEL])

    def table(self, side: str) -> pd.DataFrame:
        """Look up the example of every row of a side."""
        return self.examples.iloc[self.sides[side]["example"].to_numpy()]

    def own_reads(self, side: str) -> pd.DataFrame:
        """List the own read of every allele of a side.

        Validation and test have no other rows: for them the order is that of `Pairs.examples`.
        """
        held = self.examples.iloc[self.sides[side]["example"].sort_values()]
        return held.drop_duplicates(ALLELE)


def folds_of(examples: pd.DataFrame, rows: pd.DataFrame) -> list[Fold]:
    """List the trainings that `augment` planned; the head of the last one is kept."""
    return [
        Fold(examples, {side: own[own["split"] == side] for side in SIDES})
        for _, own in rows.groupby("fold")
    ]
