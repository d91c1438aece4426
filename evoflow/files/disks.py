"""Full disks: which folder lacks room, and what to do."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir

from evoflow.errors import InputError

FULL = {errno.ENOSPC, errno.EDQUOT}

SMALLEST_ROOM = 4_000_000
"""Bytes: a disk that has fewer free is taken to be the reason why a file could not be written."""


def is_full_disk(error: BaseException | None) -> bool:
    """Whether an error, or one that led to it, says that a disk is full."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        error = error.__cause__ or error.__context__
    return False


def temporary_folder_full() -> str | None:
    """Say that the folder for temporary files is full, and what to do; None where it is not."""
    folder = gettempdir()
    if shutil.disk_usage(folder).free > SMALLEST_ROOM:
        return None
    return (
        f"{folder} is full: temporary files are written there; make room, or set TMPDIR to a "
        "folder with more"
    )


def room_in(folder: str | Path) -> str:
    """Say how much room a folder's disk has: `0.3 of 20.0 GB free`."""
    usage = shutil.disk_usage(folder)
    return f"{usage.free / 1e9:.1f} of {usage.total / 1e9:.1f} GB free"


@contextmanager
def readable_full_disk() -> Iterator[None]:
    """Turn a write that failed for want of room into a message.

    Raises
    ------
    InputError
        Naming the file, or else the folder for temporary files.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        if error.filename is not None:
            problem = f"{error.filename}: its disk is full; make room, or write somewhere else"
        else:
            problem = temporary_folder_full() or (
                f"a disk is full ({error.strerror}): the folder for temporary files is "
                f"{gettempdir()} ({room_in(gettempdir())}), this folder is {Path.cwd()} "
                f"({room_in(Path.cwd())}); make room, or set TMPDIR to a folder with more"
            )
        raise InputError(problem) from error
