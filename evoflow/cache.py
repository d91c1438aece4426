"""The folder of everything that evoflow keeps between runs."""

from os import environ
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Name the folder: `EVOFLOW_CACHE`, else one in the user's own cache."""
    folder = environ.get("EVOFLOW_CACHE")
    return (
        Path(folder).expanduser().absolute() if folder else platformdirs.user_cache_path("evoflow")
    )
