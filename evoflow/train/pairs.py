"""Pairs of read and window, made of the embeddings of all sequences."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from evoflow.augment.sequences import STRANDS

if TYPE_CHECKING:
    from torch import Tensor

Embeddings = npt.NDArray[np.floating]
"""Values of every sequence, shape=(sequences, tokens, width), as they were stored."""

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """Rows to learn from or to predict: a read, its reference window and the truth.

    Attributes
    ----------
    embeddings
        Values of every sequence, shape=(sequences, tokens, width); shared, never copied whole. On
        a GPU where they fit.
    read, window
        Row numbers in `embeddings` of each row's read and reference window on every strand that
        is embedded, shape=(n, strands).
    target
        The score, shape=(n,).
    weight
        Weight of each row in the loss, shape=(n,).
    example
        Which example each row shows; an example has a row for each orientation, shape=(n,).
    carries
        Whether the read carries the allele, shape=(n,).
    """

    embeddings: "Embeddings | Tensor"
    read: Numbers
    window: Numbers
    target: npt.NDArray[np.float32]
    weight: npt.NDArray[np.float32]
    example: Numbers
    carries: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.read)

    @classmethod
    def of(cls, embeddings: "Embeddings | Tensor", rows: pd.DataFrame, score: pd.Series) -> Self:
        """Pair up rows.

        Parameters
        ----------
        embeddings
            Of all sequences.
        rows
            Columns as `unique_sequences` gives them, and `carries_alt`.
        score
            Of each row.
        """
        strands = [strand for strand in STRANDS.values() if f"read{strand}" in rows]
        return cls(
            embeddings,
            rows[[f"read{strand}" for strand in strands]].to_numpy(dtype=np.int64),
            rows[[f"window{strand}" for strand in strands]].to_numpy(dtype=np.int64),
            score.to_numpy(dtype=np.float32),
            rows["weight"].to_numpy(dtype=np.float32),
            rows["example"].to_numpy(dtype=np.int64),
            rows["carries_alt"].to_numpy(dtype=np.bool_),
        )

    @property
    def width(self) -> int:
        """Channels of a token, of all strands together."""
        channels: int = self.embeddings.shape[-1]
        strands: int = self.read.shape[1]
        return channels * strands

    @cached_property
    def examples(self) -> Numbers:
        """The examples, each once, sorted."""
        return np.unique(self.example)

    def by_example(self, values: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Average the values of each example's rows, in the order of `examples`."""
        _, codes = np.unique(self.example, return_inverse=True)
        return np.asarray(np.bincount(codes, values) / np.bincount(codes))

    def carriers(self) -> Self:
        """Keep the rows whose read carries its allele; all, where none does."""
        if not self.carries.any():
            return self
        rows = ("read", "window", "target", "weight", "example", "carries")
        return replace(self, **{name: getattr(self, name)[self.carries] for name in rows})

    def forward_strand(self) -> Self:
        """Leave out the reverse complements that are embedded beside the sequences."""
        return replace(self, read=self.read[:, :1], window=self.window[:, :1])
