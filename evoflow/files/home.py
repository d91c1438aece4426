"""The user's home folder, which in a container may be missing, or take no files."""

import os
import tempfile
from functools import cache
from logging import getLogger
from pathlib import Path
from stat import S_ISDIR

from evoflow.errors import InputError

logger = getLogger(__name__)


def expand_home(path: str | Path) -> Path:
    """Expand a leading `~`.

    Raises
    ------
    InputError
        When there is no such home folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise InputError(
            f"{path}: your home folder (~) is not known; write the whole path"
        ) from error


def takes_files(folder: Path) -> bool:
    """Whether a folder takes files; of one that is not there yet, whether it can be made."""
    if str(folder).startswith("~"):  # which nobody could expand
        return False
    # Path.exists raises an error where a folder may not be looked into.
    nearest = next(each for each in (folder, *folder.parents) if os.path.exists(each))  # noqa: PTH110
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


@cache
def temporary_home() -> Path:
    """Make a folder of the user's own among the temporary files, in place of a home folder.

    Raises
    ------
    InputError
        When there is none, and when somebody else has made it.
    """
    remedy = "set HOME, or EVOFLOW_CACHE, to a folder that you may write to"
    try:
        folder = Path(tempfile.gettempdir()) / f"evoflow-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        state = folder.lstat()
    except OSError as error:
        raise InputError(f"there is no folder to keep files in ({error}); {remedy}") from error
    if state.st_uid != os.getuid() or not S_ISDIR(state.st_mode):
        raise InputError(f"{folder}: belongs to somebody else; {remedy}")
    logger.warning(
        "your home folder is missing or cannot be written: files are kept in %s; set EVOFLOW_CACHE "
        "to a folder that stays",
        folder,
    )
    return folder
