"""Evo's published checkpoints by name, fetched from the Hugging Face hub."""

from collections.abc import Sequence
from difflib import get_close_matches
from importlib.resources import files as package_files
from os.path import expandvars
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from evoflow.embed.hyena.checkpoint import INDEX, SINGLE, Checkpoint
from evoflow.errors import InputError

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


SHIPPED = {"evo-demo": ("evoflow.demo", "evo_demo")}
"""Checkpoints that are part of this package: the package and the folder in it."""

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
    if name in SHIPPED:
        if revision is not None:
            raise InputError(f"model.revision: {name} comes with evoflow and has none; remove it")
        package, shipped = SHIPPED[name]
        return Checkpoint(Path(str(package_files(package) / shipped)))
    folder = Path(expandvars(name)).expanduser()
    if folder.is_dir():
        return Checkpoint(folder)
    repo, default = repository(name)
    if "/" not in repo or folder.is_absolute() or name.startswith("."):
        raise InputError(_unknown(name))
    try:
        fetched = snapshot_download(
            repo,
            revision=revision or default,
            allow_patterns=list(files),
            cache_dir=cache_dir,
            token=token,
            local_files_only=local_files_only,
            force_download=force_download,
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"model.checkpoint: {repo} at revision {revision or default} cannot be fetched "
            f"({type(error).__name__}: {reason}); check the name, the revision and the network, "
            "or name a folder that holds the checkpoint"
        ) from error
    return Checkpoint(Path(fetched), commit=Path(fetched).name)


def _unknown(name: str) -> str:
    if name == "evo-tiny":
        return "evo-tiny has no files to load; evoflow.embed.evo1.tiny.evo_tiny makes it"
    names = ["evo-tiny", *SHIPPED, *KNOWN]
    close = get_close_matches(name, names, n=1)
    mend = f"did you mean {close[0]!r}?" if close else f"known names are {', '.join(names)}"
    return f"model.checkpoint: {name!r} is neither a folder nor a known name; {mend}"
