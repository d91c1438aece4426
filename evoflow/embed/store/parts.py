"""Rows on their way to a store, part by part, and back: in other threads, in bounded memory."""

import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from tempfile import TemporaryFile, gettempdir
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from evoflow.errors import InputError

PART_BYTES = 64_000_000
"""A part has so many bytes at most, but one row at least."""

THREADS = 4
"""Parts that are read or written at once: each takes its bytes up to three times in memory."""

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def room(shape: tuple[int, int, int], dtype: np.dtype[np.floating], memory: int) -> NDArray[Any]:
    """Make room for the embeddings of all sequences.

    Parameters
    ----------
    memory
        Bytes that it may take in memory; beyond, it lies in an unnamed scratch file (in the folder
        for temporary files) and the operating system keeps in memory what fits.

    Raises
    ------
    InputError
        If the disk has too little room for the scratch file.
    """
    size = prod(shape) * dtype.itemsize
    if size <= memory:
        return np.empty(shape, dtype)
    folder = gettempdir()
    free = shutil.disk_usage(folder).free
    if size > free:
        raise InputError(
            f"{folder} has {free / 1e9:.1f} GB free, but embeddings of {size / 1e9:.1f} GB must "
            "lie there; set TMPDIR to a folder with more room, or allow more memory "
            "(model.head.memory)"
        )
    with TemporaryFile(prefix="evoflow-embeddings-") as scratch:
        return np.memmap(scratch, dtype, "w+", shape=shape)


def rows_per_part(row_shape: tuple[int, ...], dtype: np.dtype[np.floating]) -> int:
    """Return how many rows a part has; the last one may have fewer."""
    row_bytes = prod(row_shape) * dtype.itemsize
    return max(1, PART_BYTES // max(1, row_bytes))


class Background:
    """Does things in other threads while only a few of them wait."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS // 2)
        self._waiting: deque[Future[Any]] = deque()

    def do(self, call: Callable[[], Answer]) -> Future[Answer]:
        """Start as soon as a thread is free; block while too many are waiting.

        Raises
        ------
        Exception
            What an earlier call has raised.
        """
        while len(self._waiting) >= THREADS // 2:
            self._waiting.popleft().result()
        future = self._threads.submit(call)
        self._waiting.append(future)
        return future

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Finish what was started, even after an error, so that it need not be done again."""
        self._threads.shutdown()
        if error is None:
            for future in self._waiting:
                future.result()


@dataclass
class _Part:
    """A part that is being filled."""

    values: NDArray[np.floating]
    missing: int


class PartWriter(Generic[Answer]):
    """Collects rows and saves each part, in the background, once it is full.

    Rows may come in any order. Where they come nearly in theirs, few parts are in memory at once.

    Parameters
    ----------
    shape
        Of all rows together: (rows, tokens, width).
    dtype
        Of the values.
    save
        Called in another thread with the number of the part's first row and its values; what it
        returns is what `finish` lists.
    background
        Where parts are saved.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        dtype: np.dtype[np.floating],
        save: Callable[[int, NDArray[np.floating]], Answer],
        background: Background,
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        self.rows_per_part = rows_per_part(shape[1:], dtype)
        self._save = save
        self._background = background
        self._open: dict[int, _Part] = {}
        self._saved: dict[int, Future[Answer]] = {}

    def put(self, row: int, values: NDArray[np.floating]) -> None:
        """Take one row, shape=(tokens, width); fewer tokens are filled up with zeros."""
        number, place = divmod(row, self.rows_per_part)
        if number not in self._open:
            rows = min(self.rows_per_part, self.shape[0] - number * self.rows_per_part)
            self._open[number] = _Part(np.zeros((rows, *self.shape[1:]), self.dtype), rows)
        part = self._open[number]
        part.values[place, : len(values)] = values
        part.missing -= 1
        if not part.missing:
            del self._open[number]
            first = number * self.rows_per_part
            self._saved[number] = self._background.do(lambda: self._save(first, part.values))

    def finish(self) -> list[Answer]:
        """Wait for the last part and list what saving each returned, in the order of rows."""
        if self._open:
            raise ValueError(f"parts {sorted(self._open)} are not full")
        return [self._saved[number].result() for number in sorted(self._saved)]


def read_ahead(read: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[Answer]:
    """Yield `read(item)` of each item in order, while a few further ones are being read."""
    waiting: deque[Future[Answer]] = deque()
    threads = ThreadPoolExecutor(THREADS)
    try:
        for item in items:
            waiting.append(threads.submit(read, item))
            if len(waiting) == THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        threads.shutdown(cancel_futures=True)
