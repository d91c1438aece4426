"""What a place for objects can do, be it a folder or an S3 prefix."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol


class Objects(Protocol):
    """Named byte strings; a name, once written, never gets other bytes.

    Every method raises `InputError` where the place does not give or take what it is asked.
    """

    def names(self, folder: str) -> list[str]:
        """Sorted names of the objects in a folder; none where there is no such folder."""

    def size(self, name: str) -> int | None:
        """Bytes of an object; None where there is no such object."""

    def read(self, name: str, start: int = 0, stop: int | None = None) -> bytes:
        """Bytes [start, stop) of an object.

        Raises
        ------
        FileNotFoundError
            If there is no such object.
        """

    def read_into(self, name: str, start: int, buffers: Sequence[memoryview]) -> None:
        """Fill the buffers, one after the other, with the bytes from `start` on.

        Raises
        ------
        FileNotFoundError
            If there is no such object.
        """

    def write(self, name: str, content: bytes) -> None:
        """Write an object; readers see all of it or none."""

    def write_file(self, name: str, path: Path) -> None:
        """Write an object with the content of a file, as `write` does."""

    def create(self, name: str, content: bytes) -> bool:
        """Write an object unless there is one already; return whether this call wrote it."""


def fill(read: Callable[[memoryview], int | None], buffer: memoryview) -> None:
    """Read until a buffer is full; one call may stop at 2 GB, or earlier.

    Raises
    ------
    EOFError
        Where there is no more.
    """
    done = 0
    while done < len(buffer):
        count = read(buffer[done:])
        if not count:
            raise EOFError("ends too early")
        done += count
