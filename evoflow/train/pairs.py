"""Embeddings of all sequences in one place, and the pairs of read and window made of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from tempfile import TemporaryFile
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


def join_shards(shards: Iterable[Embeddings], sequences: int, *, memory: int) -> Embeddings:
    """Put the shards one behind the other, holding one of them at a time.

    Parameters
    ----------
    shards
        Arrays of shape=(n, tokens, width), in the order of the sequences; each is read once.
    sequences
        Rows of all shards together.
    memory
        Bytes that the result may take in memory; beyond, it lies in an unnamed scratch file
        (in the folder for temporary files) and the operating system keeps what fits.

    Raises
    ------
    ValueError
        When the shards are not as many rows as promised, or differ in shape or type.
    """
    joined: Embeddings | None = None
    filled = 0
    for shard in shards:
        if joined is None:
            joined = _room((sequences, *shard.shape[1:]), shard.dtype, memory)
        if shard.shape[1:] != joined.shape[1:] or shard.dtype != joined.dtype:
            raise ValueError(
                f"a shard of {shard.shape[1:]} {shard.dtype} does not fit shards of"
                f" {joined.shape[1:]} {joined.dtype}: all must come from one run of `embed`"
            )
        joined[filled : filled + len(shard)] = shard
        filled += len(shard)
    if joined is None or filled != sequences:
        raise ValueError(f"the shards hold {filled:,} sequences and should hold {sequences:,}")
    return joined


def _room(shape: tuple[int, ...], dtype: np.dtype[np.floating], memory: int) -> Embeddings:
    if np.prod(shape, dtype=np.int64) * dtype.itemsize <= memory:
        return np.empty(shape, dtype)
    with TemporaryFile(prefix="evoflow-embeddings-") as scratch:
        return np.memmap(scratch, dtype, "w+", shape=shape)
