"""Reads on the other strand, and which of them stay aligned with their reference window."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from evoflow.augment.visibility import kept_bases
from evoflow.settings import EmbeddingSettings, Window

TOLERANCE = 0.1
"""Share of differing bases right of the allele that sequencing errors may explain."""


def allele_length(examples: pd.DataFrame) -> pd.Series:
    """Bases that the allele takes in each read: those of `alt` where it is carried, else `ref`."""
    lengths: pd.Series = examples["alt"].where(examples["carries_alt"], examples["ref"]).str.len()
    return lengths


def turnable(examples: pd.DataFrame) -> pd.Series:
    """Whether read and reference window agree position by position as reverse complements too.

    Read and window start at the same reference base, so they agree left of the allele; the
    reverse complement starts at their other ends. These lie opposite each other only where no
    base was inserted or deleted: the allele keeps its length, and the bases right of it agree
    but for `TOLERANCE`.
    """
    keeps_length = allele_length(examples) == examples["ref"].str.len()
    right = examples["variant_offset"] + examples["ref"].str.len()
    mismatch = _bases(examples["sequence"]) != _bases(examples["reference_sequence"])
    after = np.arange(mismatch.shape[1]) >= right.to_numpy()[:, None]
    differing = (mismatch & after).sum(axis=1)
    agrees: pd.Series = keeps_length & (differing <= TOLERANCE * after.sum(axis=1))
    return agrees


def mirrored_offset(
    offset: npt.NDArray[np.int64],
    length: npt.NDArray[np.int64] | int,
    embedding: EmbeddingSettings,
) -> npt.NDArray[np.int64]:
    """Find the base around which a reverse complement keeps the same bases as the sequence does.

    Parameters
    ----------
    offset
        0-based base around which tokens of the sequence are kept, shape=(n,).
    length
        Bases of every sequence, or of each, shape=(n,).
    embedding
        How many tokens are kept: of a window `[s, s + N)` the reverse complement keeps
        `[length - s - N, length - s)`.
    """
    if not isinstance(embedding.tokens, Window):
        return np.asarray(length - 1 - offset)
    start, kept = kept_bases(offset, length, embedding)
    return np.asarray(length - start - kept + kept // 2)


def _bases(sequences: pd.Series) -> npt.NDArray[np.uint8]:
    """Equally long sequences as bytes, shape=(n, length)."""
    length = len(sequences.iloc[0]) if len(sequences) else 0
    text = "".join(sequences).encode()
    return np.frombuffer(text, dtype=np.uint8).reshape(len(sequences), length)
