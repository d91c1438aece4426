"""A segment of the cache: embeddings of some sequences, and an index that says where each lies."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

INDEX = np.dtype(
    [
        ("key", "S64"),
        ("start", "<u8"),
        ("stop", "<u8"),
        ("log_likelihood", "<f4"),
        ("digest", "S64"),
    ]
)
"""One row for each sequence of a segment: bytes [start, stop) of its data, and their digest."""


@dataclass(frozen=True)
class Stored:
    """One sequence's embedding.

    Attributes
    ----------
    key
        See `sequence_key`.
    values
        shape=(tokens, width).
    log_likelihood
        Mean natural log-likelihood of a base; NaN where there is none.
    """

    key: str
    values: NDArray[np.floating]
    log_likelihood: float


@dataclass(frozen=True)
class Entry:
    """Where an embedding lies."""

    segment: str
    start: int
    stop: int
    log_likelihood: np.float32
    digest: str


def sequence_key(sequence: str, offset: int | None) -> str:
    """Hash what tells two embeddings of one recipe apart: the bases and the allele's offset."""
    return hashlib.sha256(f"{sequence.upper()}:{offset}".encode()).hexdigest()


def pack(
    keys: Sequence[str], values: NDArray[np.floating], log_likelihood: NDArray[np.float32]
) -> tuple[str, bytes, bytes]:
    """Make a segment of embeddings, shape=(n, tokens, width); return its name, index and data."""
    rows = np.empty(len(keys), INDEX)
    size = values[0].nbytes
    for number, key in enumerate(keys):
        digest = _digest(key, log_likelihood[number], values[number].data)
        start = number * size
        rows[number] = (key, start, start + size, log_likelihood[number], digest)
    index = io.BytesIO()
    np.save(index, rows)
    return hashlib.sha256(index.getvalue()).hexdigest(), index.getvalue(), values.tobytes()


def read_index(segment: str, content: bytes) -> NDArray[np.void] | None:
    """Return the rows of an index; None where its hash is not the segment's name."""
    if hashlib.sha256(content).hexdigest() != segment:
        return None
    rows: NDArray[np.void] = np.load(io.BytesIO(content), allow_pickle=False)
    return rows


def entry_of(segment: str, row: np.void) -> Entry:
    """Say where the embedding of an index's row lies."""
    start, stop = int(row["start"]), int(row["stop"])
    return Entry(segment, start, stop, row["log_likelihood"], row["digest"].decode())


def is_sound(key: str, entry: Entry, content: bytes | memoryview) -> bool:
    """Whether these are the bytes that were once written for a key."""
    return entry.digest == _digest(key, entry.log_likelihood, content)


def _digest(key: str, log_likelihood: np.float32, content: bytes | memoryview) -> str:
    digest = hashlib.sha256(key.encode() + np.float32(log_likelihood).tobytes())
    digest.update(content)
    return digest.hexdigest()
