"""Evo's tokens: one upper-case letter, one byte, one token."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

PAD_ID = 1
"""What fills a batch on the right; no letter has it and no token left of it sees it."""


def encode(sequences: Sequence[str]) -> NDArray[np.uint8]:
    """Turn valid sequences into token ids, padded on the right to the longest.

    Returns
    -------
    NDArray
        uint8, shape=(n, longest): `ord` of each letter in upper case.
    """
    ids = np.full((len(sequences), max(map(len, sequences))), PAD_ID, dtype=np.uint8)
    for row, sequence in zip(ids, sequences, strict=True):
        row[: len(sequence)] = np.frombuffer(sequence.upper().encode("ascii"), dtype=np.uint8)
    return ids
