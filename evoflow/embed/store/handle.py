"""The artifact `embeddings`: not the values themselves, but a way to them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from evoflow.embed.store.datastore import Datastore, LostBlobError
from evoflow.embed.store.parts import Background, PartWriter, read_ahead, room
from evoflow.errors import InputError


@dataclass(frozen=True, repr=False)
class StoredEmbeddings:
    """Embeddings of one shard, kept in parts beside the artifacts of the run.

    `numpy()` loads all of them; iterating gives one part after the other, in order.

    Attributes
    ----------
    task
        The task that computed them, such as `EvoFlow/12/embed/7`.
    datastore
        Where the parts are.
    shape
        (sequences, tokens, width); row k belongs to the shard's k-th sequence.
    dtype
        Type of the values.
    rows_per_part
        Rows of every part but the last one.
    listing
        Key of the list of the parts' keys. A key is the SHA-1 of what it stands for.
    """

    task: str
    datastore: Datastore
    shape: tuple[int, int, int]
    dtype: np.dtype[np.floating]
    rows_per_part: int
    listing: str

    @property
    def nbytes(self) -> int:
        """Bytes of the values."""
        return prod(self.shape) * self.dtype.itemsize

    @property
    def num_parts(self) -> int:
        """Number of parts."""
        return -(-self.shape[0] // self.rows_per_part)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        sequences, tokens, width = self.shape
        return (
            f"<embeddings of {self.task}: {sequences:,} sequences x {tokens:,} tokens x "
            f"{width:,} values, {self.dtype.name}, {self.nbytes / 1e6:,.1f} MB in "
            f"{self.num_parts:,} part{'' if self.num_parts == 1 else 's'} on "
            f"{self.datastore.kind}; .numpy() loads them, iterating gives part after part>"
        )

    def keys(self) -> list[str]:
        """Return the keys of the parts, in order.

        Raises
        ------
        InputError
            If the list is lost.
        """
        keys: list[str] = json.loads(self._load(self.listing))
        return keys

    def __iter__(self) -> Iterator[NDArray[np.floating]]:
        """Yield the parts, shape=(rows, tokens, width), in the order of the sequences.

        Raises
        ------
        InputError
            If a part is lost.
        """
        return read_ahead(self.part, self.keys())

    def numpy(self) -> NDArray[np.floating]:
        """Load all values, shape=(sequences, tokens, width).

        Raises
        ------
        InputError
            If a part is lost.
        """
        values = np.empty(self.shape, self.dtype)
        _read_into(values, [self])
        return values

    def part(self, key: str) -> NDArray[np.floating]:
        """Load one part by its key, shape=(rows, tokens, width)."""
        content = np.frombuffer(self._load(key), self.dtype.newbyteorder("<"))
        return content.reshape(-1, *self.shape[1:])

    def _load(self, key: str) -> bytes:
        try:
            return self.datastore.load(key)
        except LostBlobError as error:
            flow, run, *_ = self.task.split("/")
            raise InputError(
                f"embeddings of {self.task}: {error} `resume embed --origin-run-id {run}` of the "
                f"flow {flow} computes the shards again and stores what is missing"
            ) from None


class EmbeddingWriter:
    """Stores the embeddings of one shard while they are computed.

    Parameters
    ----------
    datastore
        Where to.
    task
        See `StoredEmbeddings`.
    shape, dtype
        Of all embeddings.
    background
        Where parts are saved.
    """

    def __init__(
        self,
        datastore: Datastore,
        task: str,
        shape: tuple[int, int, int],
        dtype: str,
        background: Background,
    ) -> None:
        self.datastore = datastore
        self.task = task
        self._parts = PartWriter(
            shape,
            np.dtype(dtype).newbyteorder("<"),
            lambda _, values: datastore.save(values.tobytes()),
            background,
        )
        self.put = self._parts.put

    def finish(self) -> StoredEmbeddings:
        """Wait for the last part and return the way to all of them."""
        parts = self._parts
        listing = self.datastore.save(json.dumps(parts.finish()).encode())
        dtype = parts.dtype.newbyteorder("=")
        return StoredEmbeddings(
            self.task, self.datastore, parts.shape, dtype, parts.rows_per_part, listing
        )


def join(shards: Sequence[StoredEmbeddings], memory: int) -> NDArray[np.floating]:
    """Load the shards of a run, one after the other; parts are read several at once.

    Parameters
    ----------
    shards
        In the order of their rows.
    memory
        See `room`.

    Raises
    ------
    InputError
        If a part is lost, or the shards differ in shape or type.
    """
    first = shards[0]
    for shard in shards:
        if (shard.shape[1:], shard.dtype) != (first.shape[1:], first.dtype):
            raise InputError(
                f"{shard!r} does not fit {first!r}: both must be of one run with the same settings"
            )
    values = room((sum(map(len, shards)), *first.shape[1:]), first.dtype, memory)
    _read_into(values, shards)
    return values


def _read_into(values: NDArray[np.floating], shards: Sequence[StoredEmbeddings]) -> None:
    """Read the parts of all shards into their places, several at once."""

    def places() -> Iterator[tuple[StoredEmbeddings, str, int]]:
        start = 0
        for shard in shards:
            for number, key in enumerate(shard.keys()):
                yield shard, key, start + number * shard.rows_per_part
            start += len(shard)

    def read(place: tuple[StoredEmbeddings, str, int]) -> None:
        shard, key, start = place
        part = shard.part(key)
        values[start : start + len(part)] = part

    for _ in read_ahead(read, places()):
        pass
