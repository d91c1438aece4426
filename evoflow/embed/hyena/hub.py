"""Evo's published checkpoints by name, fetched from the Hugging Face hub."""

import logging
import re
from collections.abc import Sequence
from difflib import get_close_matches
from os.path import expandvars
from pathlib import Path

from evoflow.embed.evo2.published import KNOWN as EVO2
from evoflow.embed.hyena.checkpoint import INDEX, SINGLE, Checkpoint
from evoflow.embed.weights.builtin import (
    SHIPPED,
    TINY,
    refuse_folder,
    refuse_revision,
    shipped_folder,
)
from evoflow.embed.weights.download import Wanted, fetch
from evoflow.errors import InputError
from evoflow.files.home import expand_home

logger = logging.getLogger(__name__)

KNOWN = {
    "evo-1-8k-base": ("togethercomputer/evo-1-8k-base", "1.1_fix"),
    "evo-1-131k-base": ("togethercomputer/evo-1-131k-base", "1.1_fix"),
    "evo-1.5-8k-base": ("evo-design/evo-1.5-8k-base", "main"),
    "evo-1-8k-crispr": ("LongSafari/evo-1-8k-crispr", "main"),
    "evo-1-8k-transposon": ("LongSafari/evo-1-8k-transposon", "main"),
}
"""Name, repository and revision, as github.com/evo-design/evo (`evo/models.py`) has them.

`main` of the `evo-1-*-base` repositories holds older weights, some projections of which are
wrongly permuted; `1.1_fix` repairs them.
"""


_REPOSITORY = re.compile(r"[\w.-]*\w[\w.-]*(/[\w.-]+)?")

FILES = ("config.json", SINGLE, INDEX, "model-*.safetensors")
"""What a checkpoint is made of; weights in other forms are left where they are."""


def repository(name: str) -> tuple[str, str]:
    """Resolve a known name, with or without its owner, to a repository and a revision."""
    owner, _, short = name.rpartition("/")
    owners = {"", "evo-design", *(known.split("/")[0] for known, _ in KNOWN.values())}
    if short in KNOWN and owner in owners:
        return KNOWN[short]
    return name, "main"


def find_checkpoint(
    name: str,
    revision: str | None = None,
    *,
    cache_dir: str | Path | None = None,
    token: str | bool | None = None,
    local_files_only: bool = False,
    force_download: bool = False,
    files: Sequence[str] = FILES,
) -> Checkpoint:
    """Find a checkpoint and fetch what is not here yet.

    Parameters
    ----------
    name
        A folder, a known name, or a repository of the hub.
    revision
        Branch, tag or commit; default: the one that fits a known name, else `main`.
    cache_dir, token, local_files_only, force_download
        As `huggingface_hub.snapshot_download` has them.
    files
        What is fetched.

    Raises
    ------
    InputError
        If there is no such checkpoint, or it cannot be fetched.
    """
    folder = expand_home(expandvars(name))
    if name in {TINY, *SHIPPED} or repository(name) != (name, "main"):
        refuse_folder(name)
    if name in SHIPPED:
        refuse_revision(name, revision)
        return Checkpoint(shipped_folder(name))
    if folder.is_dir():
        if "/" in name and _REPOSITORY.fullmatch(name):
            logger.warning(
                "model.checkpoint: %s is taken for the folder %s, not for a repository of the hub",
                name,
                folder.absolute(),
            )
        if revision is not None:
            raise InputError(
                f"model.revision: {revision} is asked for, but {name} is the folder "
                f"{folder.absolute()}, which has no revisions; remove it, or rename the folder if "
                "the repository of that name is meant"
            )
        return Checkpoint(folder.absolute())
    repo, default = repository(name)
    if not on_hub(name):
        raise InputError(_unknown(name))
    wanted = Wanted(
        repo,
        revision or default,
        files,
        cache_dir=cache_dir,
        token=token,
        local_files_only=local_files_only,
        force_download=force_download,
    )
    fetched = fetch(wanted)
    return Checkpoint(fetched, commit=fetched.name)


def on_hub(name: str) -> bool:
    """Whether a name stands for a repository of the hub rather than for files that are here."""
    folder = expand_home(expandvars(name))
    here = folder.is_dir() or folder.is_absolute() or name.startswith(".")
    found = _REPOSITORY.fullmatch(repository(name)[0])
    return not here and name not in {TINY, *SHIPPED} and bool(found and found[1])


def _unknown(name: str) -> str:
    if name == TINY:
        return "evo-tiny has no files to load; evoflow.embed.evo1.tiny.evo_tiny makes it"
    if expand_home(expandvars(name)).is_file():
        return (
            f"model.checkpoint: {name} is a file; name the folder that holds it, or for a pickle "
            "of Evo 2 the folder that `evoflow convert` makes of it"
        )
    names = [TINY, *SHIPPED, *KNOWN, *EVO2]
    close = get_close_matches(name, names, n=1)
    remedy = f"did you mean {close[0]!r}?" if close else f"known names are {', '.join(names)}"
    return (
        f"model.checkpoint: {name!r} is neither a folder, a repository of Hugging Face "
        f"(OWNER/NAME) nor a known name; {remedy}"
    )
