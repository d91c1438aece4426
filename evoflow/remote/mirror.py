"""A sparse local copy of a remote file: blocks are fetched when they are needed, and once.

A mirror is a folder in the cache with the file in its full size, of which only the fetched blocks
hold data, and a map with a byte for each block. A block is marked after its bytes are on the disk,
so that a mirror can be left at any moment, carried on later, and filled by many processes at once.
"""

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import blake2b, md5
from itertools import groupby, islice
from pathlib import Path
from typing import TypeVar

from evoflow.errors import InputError
from evoflow.files.atomic import new_file, new_folder
from evoflow.files.cache import cache_folder
from evoflow.remote.answers import Description, TransientError
from evoflow.remote.clients import source
from evoflow.settings import split_query

BLOCK = 1 << 18
_BLOCKS_AT_ONCE = 32
_CONNECTIONS = 8
_ATTEMPTS = 6
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 120
_NAME_BYTES = 150
_ORIGIN, _MAP = ".origin.json", ".blocks"

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Mirror:
    """A local copy that grows.

    Attributes
    ----------
    url
        Where the file comes from.
    path
        The local file.
    described
        Size and version at the source.
    requester_pays
        See `source`.
    """

    url: str
    path: Path
    described: Description
    requester_pays: bool = False

    @classmethod
    def of(cls, url: str, *, requester_pays: bool = False) -> "Mirror":
        """Find or make the mirror of the version that the source has now.

        Parameters
        ----------
        url, requester_pays
            See `source`.

        Raises
        ------
        InputError
            When the source has no such file or does not let it be read.
        """
        described = persist(source(url, requester_pays=requester_pays).describe, url)
        if not described.size:
            raise InputError(f"{url}: is empty; give a complete file")
        # A signed URL's query, which changes daily, does not make another file.
        plain, _ = split_query(url)
        digest = blake2b(f"{plain} {asdict(described)}".encode(), digest_size=8).hexdigest()
        # What the disk takes, with the ending and without the dot of the mirror's own files.
        name = Path(plain).name.encode(errors="replace")[-_NAME_BYTES:].decode(errors="ignore")
        name = name.lstrip(".") or "file"
        path = cache_folder() / "remote" / f"{name}-{digest}" / name
        mirror = cls(url, path, described, requester_pays)
        with _named(mirror):
            if not mirror.path.exists():
                mirror._make()
            if cls.at(str(mirror.path)) != mirror:  # another signature, which is valid now
                mirror._write_origin(mirror.path.parent)
        return mirror

    @classmethod
    def at(cls, path: str) -> "Mirror | None":
        """Open the mirror whose local file this is; None for any other file."""
        try:
            origin = json.loads((Path(path).parent / _ORIGIN).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        described = Description(**origin["described"])
        return cls(origin["url"], Path(path), described, origin.get("requester_pays", False))

    def provide(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Fetch what is not there yet of some byte ranges, each from start up to stop.

        Raises
        ------
        InputError
            When the source fails again and again, has changed, or the disk is full.
        """
        ranges = list(ranges)
        with _named(self), self.path.open("r+b") as file, self._map.open("r+b") as marks:
            runs = self._missing(ranges)
            if not runs:
                return
            fetch = partial(self._fetch, file=file.fileno(), marks=marks.fileno())
            fetch(runs[0])  # which brings all the others from a server that knows no ranges
            try:
                with ThreadPoolExecutor(_CONNECTIONS) as threads:
                    list(threads.map(fetch, self._missing(ranges)))
            except InputError:  # some servers answer few requests at once, and refuse the others
                for run in self._missing(ranges):
                    fetch(run)
            # Filling blocks is no change of the file, which would seem newer than its index.
            os.utime(self.path, (0, 0))

    def provide_whole(self) -> None:
        """Fetch all of it and compare with the source's MD5, where it gives one.

        Raises
        ------
        InputError
            As `provide`, and when the content is not what the source says.
        """
        whole = [(0, self.described.size)]
        if not self._missing(whole):
            return
        self.provide(whole)
        wanted = self.described.md5
        if wanted and md5(self.path.read_bytes(), usedforsecurity=False).hexdigest() != wanted:
            self._map.write_bytes(bytes(self._map.stat().st_size))
            raise InputError(
                f"{self.url}: its content does not have the checksum that the server states; "
                "start again, and upload the file again if that does not help"
            )

    def link_from(self, link: Path) -> None:
        """Point a link at the local file, whatever it pointed at before."""
        with _named(self):
            beside = link.with_name(f".{link.name}.{os.getpid()}")
            beside.unlink(missing_ok=True)
            beside.symlink_to(self.path)
            beside.replace(link)

    @property
    def _map(self) -> Path:
        return self.path.parent / _MAP

    def _make(self) -> None:
        with new_folder(self.path.parent) as made:
            self._write_origin(made)
            (made / _MAP).write_bytes(bytes(-(-self.described.size // BLOCK)))
            (made / self.path.name).touch()
            os.truncate(made / self.path.name, self.described.size)

    def _write_origin(self, folder: Path) -> None:
        origin = {
            "url": self.url,
            "described": asdict(self.described),
            "requester_pays": self.requester_pays,
        }
        with new_file(folder / _ORIGIN) as beside:
            beside.write_text(json.dumps(origin, indent=2), encoding="utf-8")

    def _missing(self, ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """List the runs of blocks of some ranges that are not there."""
        marked = self._map.read_bytes()
        wanted: set[int] = set()
        for start, stop in ranges:
            last = min(stop, self.described.size)
            wanted.update(range(max(start, 0) // BLOCK, -(-last // BLOCK)))
        return list(_runs(block for block in wanted if not marked[block]))

    def _fetch(self, run: tuple[int, int], *, file: int, marks: int) -> None:
        """Fetch consecutive blocks; what an attempt brought is kept by the next."""
        first, end = run
        while first < end:
            attempt = partial(self._attempt, first, end, file=file, marks=marks)
            first, end = persist(attempt, self.url)

    def _attempt(self, first: int, end: int, *, file: int, marks: int) -> tuple[int, int]:
        """Write the blocks that one request brings; return those that it announced but did not."""
        size = self.described.size
        remote = source(self.url, requester_pays=self.requester_pays)
        body = remote.read(first * BLOCK, min(end * BLOCK, size))
        if (body.version, body.size) != (self.described.version, size):
            raise InputError(f"{self.url}: has changed while it was read; start again")
        # A server that knows no ranges sends all; then all is taken.
        position = body.start
        broken = TransientError("the answer was cut short")
        try:
            for chunk in body.chunks:
                if position + len(chunk) > body.stop:
                    raise InputError(
                        f"{self.url}: the server sends more bytes than it announces; download the "
                        "file and give its path"
                    )
                position += _write(file, chunk, position)
        except TransientError as error:
            broken = error
        whole = -(-size // BLOCK) if position == size else position // BLOCK
        os.fsync(file)
        os.pwrite(marks, b"\1" * (whole - body.start // BLOCK), body.start // BLOCK)
        if whole <= first:
            raise broken
        return whole, max(end, -(-body.stop // BLOCK))


def _write(file: int, content: bytes, position: int) -> int:
    """Write all of it; return how much that is."""
    written = 0
    while written < len(content):
        written += os.pwrite(file, memoryview(content)[written:], position + written)
    return written


def _runs(blocks: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Join neighbouring blocks, up to a number that one request asks for."""
    ordered = enumerate(sorted(blocks))
    for _, group in groupby(ordered, key=lambda numbered: numbered[1] - numbered[0]):
        neighbours = (block for _, block in group)
        while part := list(islice(neighbours, _BLOCKS_AT_ONCE)):
            yield part[0], part[-1] + 1


def persist(action: Callable[[], Answer], url: str) -> Answer:
    """Do something again, after longer and longer pauses, while it fails for passing reasons.

    A pause that the server asks for is kept, up to two minutes.

    Raises
    ------
    InputError
        After the last attempt.
    """
    pause = _FIRST_PAUSE
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return action()
        except TransientError as error:
            if attempt == _ATTEMPTS:
                raise InputError(
                    f"{url}: {error}, {_ATTEMPTS} times in a row; check the network and start again"
                ) from error
            time.sleep(min(max(pause, error.wait), _LONGEST_PAUSE))
        pause *= 2
    raise AssertionError("the last attempt returns or raises")


@contextmanager
def _named(mirror: Mirror) -> Iterator[None]:
    """Say what was being kept, and where, when the disk does not take it."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{mirror.path}: {error.strerror} while keeping {mirror.url}; free some space or set "
            "EVOFLOW_CACHE to another folder"
        ) from error
