"""Embeddings that outlive a run: what was computed once is looked up.

A cache is a folder or an S3 prefix. In it, each recipe (weights, layer, tokens, types) has a folder
of segments: `data/X.bin` holds the embeddings of some sequences, `index/X.npy` says where each
lies. Segments are written once, under the hash of their index and the data first, so that any
number of tasks may read and write at the same time.

A cache only saves work: where it fails, the embeddings are computed again, and one warning says so.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from evoflow.embed.objects.places import open_objects
from evoflow.embed.objects.protocol import Objects
from evoflow.embed.store.parts import read_ahead
from evoflow.embed.store.segments import Entry, Stored, entry_of, is_sound, pack, read_index
from evoflow.errors import InputError
from evoflow.settings import ComputeSettings

logger = logging.getLogger(__name__)

FORMAT = 1
"""Part of every recipe; to be raised when the same recipe would give other embeddings."""


@dataclass
class Use:
    """How much work a cache saved.

    Attributes
    ----------
    hits, misses
        Distinct sequences that were found, and that had to be computed.
    corrupt
        Entries and indexes that could not be read or did not hold what was once written.
    bytes_read, bytes_written
        Of embeddings.
    problem
        The first thing that failed.
    """

    hits: int = 0
    misses: int = 0
    corrupt: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    problem: str | None = None

    def warn(self, problem: object) -> None:
        """Say what failed, unless something has failed before."""
        if self.problem is None:
            self.problem = str(problem)
            logger.warning(
                "compute.embedding_cache: %s; embeddings that cannot be read are computed "
                "again, and those that cannot be written are not cached",
                problem,
            )


class EmbeddingCache:
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
    use
        What is counted, and where the first failure is noted.
    """

    def __init__(
        self,
        objects: Objects,
        recipe: Mapping[str, object],
        stored_dtype: str,
        width: int,
        use: Use | None = None,
    ) -> None:
        self.objects = objects
        self.dtype = np.dtype(stored_dtype).newbyteorder("<")
        self.width = width
        self.use = Use() if use is None else use
        self._counting = Lock()
        self._unreadable = self._unwritable = False
        self._recipe = json.dumps(
            {**recipe, "stored_dtype": stored_dtype, "format": FORMAT}, sort_keys=True
        ).encode()
        self.folder = hashlib.sha256(self._recipe).hexdigest()[:32]

    def find(self, keys: Sequence[str]) -> dict[str, list[Entry]]:
        """Find the places of each key; keys that are nowhere are left out."""
        wanted = np.array(sorted(keys), "S64")
        found: dict[str, list[Entry]] = {}
        try:
            names = self.objects.names(f"{self.folder}/index")
        except (InputError, OSError) as error:
            self.use.warn(error)
            return found
        for name, rows in zip(names, read_ahead(self._index, names), strict=True):
            if rows is None:
                continue
            for row in rows[np.isin(rows["key"], wanted)]:
                entry = entry_of(_segment(name), row)
                found.setdefault(row["key"].decode(), []).append(entry)
        return found

    def read(self, places: Mapping[str, Sequence[Entry]], tokens: int) -> dict[str, Stored]:
        """Read embeddings; those that are damaged wherever they lie are left out.

        Parameters
        ----------
        places
            As `find` gives them.
        tokens
            What each embedding must have.
        """
        found: dict[str, Stored] = {}
        # A damaged entry stays; what was computed in its place is a further candidate.
        left = {key: list(entries) for key, entries in places.items()}
        while left := {key: entries for key, entries in left.items() if entries}:
            by_segment: dict[str, dict[str, Entry]] = {}
            for key, entries in left.items():
                entry = entries.pop()
                by_segment.setdefault(entry.segment, {})[key] = entry
            for segment, wanted in sorted(by_segment.items()):
                for stored in self._read(segment, wanted, tokens):
                    found[stored.key] = stored
                    del left[stored.key]
        return found

    def add(
        self,
        keys: Sequence[str],
        values: NDArray[np.floating],
        log_likelihood: NDArray[np.float32],
    ) -> None:
        """Write embeddings, shape=(n, tokens, width), as one segment."""
        if self._unwritable:
            return
        name, index, data = pack(keys, np.ascontiguousarray(values, self.dtype), log_likelihood)
        try:
            self.objects.write(f"{self.folder}/recipe.json", self._recipe)
            self.objects.write(f"{self.folder}/data/{name}.bin", data)
            self.objects.write(f"{self.folder}/index/{name}.npy", index)
        except (InputError, OSError) as error:
            self._unwritable = True
            self.use.warn(error)
            return
        with self._counting:
            self.use.bytes_written += len(data)

    def _index(self, name: str) -> NDArray[np.void] | None:
        """Read the index of a segment; None where its hash is not the segment's name."""
        for _ in range(2):  # bytes may go wrong on their way, too
            content = self._bytes(name)
            rows = None if content is None else read_index(_segment(name), content)
            if rows is not None:
                return rows
        self._damaged(name)
        return None

    def _read(self, segment: str, wanted: Mapping[str, Entry], tokens: int) -> Iterator[Stored]:
        """Read the wanted part of a segment at once; yield what is sound."""
        name = f"{self.folder}/data/{segment}.bin"
        wrong = dict(wanted)
        for _ in range(2):
            start = min(entry.start for entry in wrong.values())
            stop = max(entry.stop for entry in wrong.values())
            data = memoryview(self._bytes(name, start, stop) or b"")
            with self._counting:
                self.use.bytes_read += len(data)
            for key, entry in list(wrong.items()):
                content = data[entry.start - start : entry.stop - start]
                whole = len(content) == tokens * self.width * self.dtype.itemsize
                if whole and is_sound(key, entry, content):
                    values = np.frombuffer(content, self.dtype).reshape(tokens, self.width)
                    yield Stored(key, values, float(entry.log_likelihood))
                    del wrong[key]
            if not wrong:
                return
        for _ in wrong:
            self._damaged(name)

    def _bytes(self, name: str, start: int = 0, stop: int | None = None) -> bytes | None:
        """Read from the place; None where it fails, and for good where it is out of reach."""
        if self._unreadable:
            return None
        try:
            return self.objects.read(name, start, stop)
        except FileNotFoundError:
            return None
        except (InputError, OSError) as error:
            # The objects were asked several times: the next ones would take as long to fail.
            self._unreadable = not isinstance(error.__cause__ or error, OSError)
            self.use.warn(error)
            return None

    def _damaged(self, name: str) -> None:
        if self._unreadable:
            return
        with self._counting:
            self.use.corrupt += 1
        self.use.warn(f"{name} is damaged or cannot be read")


def check_cache(compute: ComputeSettings) -> list[str]:
    """Look at the cache before a run, if there is one here, and say what it cannot be used for.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    location = compute.embedding_cache
    if location is None or not compute.is_seen_here(location):
        return []
    objects = open_objects(location)
    try:
        objects.write("probe/writable", b"")
    except InputError as error:
        note = (
            f"compute.embedding_cache: {location} cannot be written ({error}): its embeddings are "
            "used, but none are added"
        )
        logger.warning(note)
        return [note]
    return []


def _segment(name: str) -> str:
    return name.rpartition("/")[2].removesuffix(".npy")
