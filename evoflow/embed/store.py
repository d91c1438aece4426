"""Embeddings that outlive a run: what was computed once is looked up.

A store is a folder or an S3 prefix. In it, each recipe (weights, layer, tokens, types) has a folder
of segments: `data/X.bin` holds the embeddings of some sequences, `index/X.npy` says where each
lies. Segments are written once, under the hash of their index and the data first, so that any
number of tasks may read and write at the same time.
"""

import hashlib
import io
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evoflow.embed.objects import Objects

logger = logging.getLogger(__name__)

FORMAT = 1
"""Part of every recipe; to be raised when the same recipe would give other embeddings."""

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


@dataclass
class Use:
    """What a store was good for.

    Attributes
    ----------
    hits, misses
        Distinct sequences that were found, and that had to be computed.
    corrupt
        Entries that did not hold what was once written.
    bytes_read, bytes_written
        Of embeddings.
    """

    hits: int = 0
    misses: int = 0
    corrupt: int = 0
    bytes_read: int = 0
    bytes_written: int = 0


@dataclass(frozen=True)
class _Entry:
    """Where an embedding lies."""

    segment: str
    start: int
    stop: int
    log_likelihood: np.float32
    digest: str


def sequence_key(sequence: str, offset: int | None) -> str:
    """Hash what tells two embeddings of one recipe apart: the bases and the allele's offset."""
    return hashlib.sha256(f"{sequence.upper()}:{offset}".encode()).hexdigest()


class EmbeddingStore:
    """The embeddings of one recipe.

    Parameters
    ----------
    objects
        Folder or S3 prefix.
    recipe
        All that decides an embedding besides its sequence.
    stored_dtype
        Type of the values.
    width
        Values per token.
    """

    def __init__(
        self, objects: Objects, recipe: Mapping[str, object], stored_dtype: str, width: int
    ) -> None:
        self.objects = objects
        self.dtype = np.dtype(stored_dtype).newbyteorder("<")
        self.width = width
        self.use = Use()
        described = json.dumps(
            {**recipe, "stored_dtype": stored_dtype, "format": FORMAT}, sort_keys=True
        )
        self.folder = hashlib.sha256(described.encode()).hexdigest()[:32]
        objects.write(f"{self.folder}/recipe.json", described.encode())

    def find(self, tokens: Mapping[str, int]) -> Iterator[Stored]:
        """Look up embeddings, in no particular order.

        Parameters
        ----------
        tokens
            For each wanted key, the tokens that its embedding must have.
        """
        candidates = self._candidates(tokens)
        # A damaged entry stays; what was computed in its place is a further candidate.
        while candidates:
            by_segment: dict[str, dict[str, _Entry]] = {}
            for key, entries in candidates.items():
                entry = entries.pop()
                by_segment.setdefault(entry.segment, {})[key] = entry
            for segment in sorted(by_segment):
                for stored in self._read(segment, by_segment[segment], tokens):
                    del candidates[stored.key]
                    self.use.hits += 1
                    yield stored
            candidates = {key: entries for key, entries in candidates.items() if entries}

    def add(self, embedded: Sequence[Stored]) -> None:
        """Write embeddings as one segment."""
        rows = np.empty(len(embedded), INDEX)
        data = io.BytesIO()
        for row, stored in zip(rows, embedded, strict=True):
            content = np.ascontiguousarray(stored.values, self.dtype).tobytes()
            log_likelihood = np.float32(stored.log_likelihood)
            row["key"], row["start"] = stored.key, data.tell()
            row["log_likelihood"] = log_likelihood
            row["digest"] = _digest(stored.key, log_likelihood, content)
            row["stop"] = data.tell() + data.write(content)
        index = io.BytesIO()
        np.save(index, rows)
        name = hashlib.sha256(index.getvalue()).hexdigest()
        self.objects.write(f"{self.folder}/data/{name}.bin", data.getvalue())
        self.objects.write(f"{self.folder}/index/{name}.npy", index.getvalue())
        self.use.bytes_written += data.tell()

    def _candidates(self, wanted: Mapping[str, int]) -> dict[str, list[_Entry]]:
        """Every place at which each wanted key should be found."""
        names = self.objects.names(f"{self.folder}/index")
        keys = np.array(sorted(wanted), "S64")
        found: dict[str, list[_Entry]] = {}
        with ThreadPoolExecutor(16) as readers:
            for name, rows in zip(names, readers.map(self._index, names), strict=True):
                if rows is None:
                    logger.warning("%s is damaged: its embeddings are computed again", name)
                    self.use.corrupt += 1
                    continue
                segment = _segment(name)
                for row in rows[np.isin(rows["key"], keys)]:
                    found.setdefault(row["key"].decode(), []).append(
                        _Entry(
                            segment,
                            int(row["start"]),
                            int(row["stop"]),
                            row["log_likelihood"],
                            row["digest"].decode(),
                        )
                    )
        return found

    def _index(self, name: str) -> NDArray[np.void] | None:
        """Read the index of a segment; None where it is not what its name is the hash of."""
        try:
            content = self.objects.read(name)
        except FileNotFoundError:
            return None
        if hashlib.sha256(content).hexdigest() != _segment(name):
            return None
        rows: NDArray[np.void] = np.load(io.BytesIO(content), allow_pickle=False)
        return rows

    def _read(
        self, segment: str, wanted: Mapping[str, _Entry], tokens: Mapping[str, int]
    ) -> Iterator[Stored]:
        """Read the wanted part of a segment at once; yield what is sound."""
        start = min(entry.start for entry in wanted.values())
        stop = max(entry.stop for entry in wanted.values())
        try:
            data = self.objects.read(f"{self.folder}/data/{segment}.bin", start, stop)
        except FileNotFoundError:
            data = b""
        self.use.bytes_read += len(data)
        for key, entry in wanted.items():
            content = data[entry.start - start : entry.stop - start]
            size = tokens[key] * self.width * self.dtype.itemsize
            if len(content) == size and entry.digest == _digest(key, entry.log_likelihood, content):
                values = np.frombuffer(content, self.dtype).reshape(tokens[key], self.width)
                yield Stored(key, values, float(entry.log_likelihood))
            else:
                logger.warning("segment %s is damaged: computing %s again", segment, key)
                self.use.corrupt += 1


def _segment(name: str) -> str:
    return name.rpartition("/")[2].removesuffix(".npy")


def _digest(key: str, log_likelihood: np.float32, content: bytes) -> str:
    digest = hashlib.sha256(key.encode() + np.float32(log_likelihood).tobytes())
    digest.update(content)
    return digest.hexdigest()
