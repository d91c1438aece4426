"""What made a run: versions of the software and the commit of the code."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from evoflow import __version__

LIBRARIES = ("metaflow", "torch", "transformers", "numpy", "pandas", "pysam")


def software() -> dict[str, str]:
    """Name the versions of Python and of what computes, and the commit where there is one."""
    # A task in the cloud has this package's code, but it is not installed there.
    found = {"python": platform.python_version(), "evoflow": __version__}
    found |= {name: version(name) for name in LIBRARIES}
    commit = git_commit(Path(__file__).parent)
    return found | ({"commit": commit} if commit else {})


def git_commit(folder: Path) -> str | None:
    """Name the commit that is checked out in a folder; `-dirty` where files differ from it."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--abbrev=12", "--dirty", "--exclude=*"],
            cwd=folder, capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return None
    return described.stdout.strip()
