"""Where processes of one user on one machine leave word for each other."""

import warnings
from pathlib import Path

import platformdirs

from evoflow.errors import InputError


def runtime_folder() -> Path:
    """Name the user's own folder for what lives as long as a login session, and make it.

    Raises
    ------
    InputError
        When it cannot be made.
    """
    with warnings.catch_warnings():
        # Where XDG_RUNTIME_DIR is not set, as in containers, a folder in /tmp does as well.
        warnings.simplefilter("ignore", platformdirs.RuntimeDirWarning)
        folder = platformdirs.user_runtime_path("evoflow")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be made ({error.strerror}); unset XDG_RUNTIME_DIR, or set it to a "
            "folder that you may write to"
        ) from error
    return folder
