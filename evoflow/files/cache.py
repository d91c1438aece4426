"""The folder of everything that evoflow keeps between runs."""

from os import environ
from pathlib import Path

import platformdirs

from evoflow.files.home import expand_home, takes_files, temporary_home


def cache_folder() -> Path:
    """Name the folder: `EVOFLOW_CACHE`, else one in the user's own cache.

    Where the user has no home that takes files, it is a temporary folder.
    """
    chosen = environ.get("EVOFLOW_CACHE")
    if chosen:
        return expand_home(chosen).absolute()
    try:
        folder = platformdirs.user_cache_path("evoflow")
    except RuntimeError:  # nobody knows where the home is
        return temporary_home()
    return folder if takes_files(folder) else temporary_home()
