"""Files and folders that appear under their names only when they are whole."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from evoflow.errors import InputError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield where to write a file; afterwards it takes its name and the place of any before it.

    After an error there is no trace of it. It has the mode that the umask says. Any number of
    threads and processes may write the same file: the last one stays.
    """
    beside = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Write a file that a user asked for, as `whole_file` does.

    Raises
    ------
    InputError
        When it cannot be written.
    """
    beside = None
    try:
        with whole_file(path) as beside:
            yield beside
    except OSError as error:
        if error.filename not in {None, str(beside)}:
            raise
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}); choose another file"
        ) from error


@contextmanager
def filled_folder(folder: Path) -> Iterator[Path]:
    """Write files that a user asked for into a folder, which is made where it is not there.

    Yields an empty folder to fill. Its files then take the place of those of the same names; after
    an error all is as it was.

    Raises
    ------
    InputError
        When they cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".", suffix=".part", dir=folder) as beside:
            yield Path(beside)
            for each in Path(beside).iterdir():
                each.replace(folder / each.name)
    except OSError as error:
        if error.filename is not None and not Path(error.filename).is_relative_to(folder):
            raise
        raise InputError(
            f"{folder}: cannot be written ({error.strerror or error}); choose another folder"
        ) from error


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder to fill; afterwards it takes its name.

    Where another process was faster, that one's folder stays.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as beside:
        made = Path(beside) / "made"  # which, unlike `beside`, has the mode that the umask says
        made.mkdir()
        yield made
        try:
            made.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise


def check_can_be_written(path: Path, option: str) -> None:
    """Refuse a file that could not be written, before the work that would be lost.

    Raises
    ------
    InputError
        When its folder is not there or takes no file, or when it is a folder itself.
    """
    folder = path.absolute().parent
    if not folder.is_dir():
        raise InputError(f"{option} {path}: the folder {folder} does not exist; create it")
    if path.is_dir():
        raise InputError(f"{option} {path}: is a folder; name a file in it")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"{option} {path}: you have no permission to write to the folder {folder}")


def check_new(path: Path, option: str) -> None:
    """Refuse a file that is there already; else as `check_can_be_written`."""
    if path.is_file():
        raise InputError(f"{option} {path}: already exists; name another file, or remove it")
    check_can_be_written(path, option)
