"""Pairs of read and window, made of the embeddings of all sequences."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from evoflow.impact import HIGHEST_SCORE

Embeddings = npt.NDArray[np.floating]
"""Values of every sequence, shape=(sequences, tokens, width), as they were stored."""


@dataclass(frozen=True)
class Pairs:
    """Rows to learn from or to predict: a read, its reference window and the truth.

    Attributes
    ----------
    embeddings
        Values of every sequence, shape=(sequences, tokens, width); shared, never copied whole.
    read, window
        Row numbers in `embeddings` of each row's read and reference window, shape=(n,).
    target
        Impact score divided by the highest one, in [0, 1], shape=(n,).
    weight
        Weight of each row in the loss, shape=(n,).
    """

    embeddings: Embeddings
    read: npt.NDArray[np.int64]
    window: npt.NDArray[np.int64]
    target: npt.NDArray[np.float32]
    weight: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.read)

    @classmethod
    def of(cls, embeddings: Embeddings, rows: pd.DataFrame, score: pd.Series) -> Self:
        """Pair up rows with columns `read`, `window` and `weight`, and their impact scores."""
        return cls(
            embeddings,
            rows["read"].to_numpy(dtype=np.int64),
            rows["window"].to_numpy(dtype=np.int64),
            (score / HIGHEST_SCORE).to_numpy(dtype=np.float32),
            rows["weight"].to_numpy(dtype=np.float32),
        )
