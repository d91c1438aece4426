"""Where an Evo 2 checkpoint is; a published pickle is converted when it is first asked for."""

import hashlib
import logging
from collections.abc import Sequence
from os.path import expandvars
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from filelock import FileLock

from evoflow.embed.evo2.convert import config_of, convert_checkpoint, find_pickle
from evoflow.embed.evo2.published import KNOWN, known_name
from evoflow.embed.evo2.sizes import Evo2Sizes
from evoflow.embed.hyena import hub
from evoflow.embed.hyena.checkpoint import INDEX, SINGLE, Checkpoint
from evoflow.embed.weights.builtin import refuse_folder
from evoflow.errors import InputError
from evoflow.files.atomic import whole_file
from evoflow.files.cache import cache_folder
from evoflow.files.home import expand_home

logger = logging.getLogger(__name__)

CONFIG = "config.json"


def find_checkpoint(
    name: str,
    revision: str | None = None,
    *,
    files: Sequence[str] = hub.FILES,
    **options: Any,
) -> Checkpoint:
    """Find a checkpoint of Evo 1 or 2, fetch what is not here yet, and convert pickles of Evo 2.

    A conversion is kept in `EVOFLOW_CACHE` under what identifies the pickle, so it is done once.

    Parameters
    ----------
    name
        As `hub.find_checkpoint` takes it; or a known name of Evo 2, one of its published `.pt`
        files, or a folder that holds one.
    revision, files, options
        As `hub.find_checkpoint` takes them.

    Raises
    ------
    InputError
        If there is no such checkpoint, it cannot be fetched, is not sound, or needs FP8.
    """
    path = expand_home(expandvars(name))
    if path.exists() and known_name(name) is not None:
        refuse_folder(name)
    pickled = _pickle_at(path)
    if pickled is not None:
        if revision is not None:
            raise InputError(
                f"model.revision: {revision} is asked for, but {pickled} is a file, which has no "
                "revisions; remove it"
            )
        if files == [CONFIG]:
            return _described(config_of(pickled), None)
        return Checkpoint(_converted(pickled, _fingerprint(pickled)))
    known = None if path.exists() else known_name(name)
    if known is None:
        return hub.find_checkpoint(name, revision, files=files, **options)
    published = KNOWN[known]
    wanted = [published.file] if files != [CONFIG] else [CONFIG]
    fetched = hub.find_checkpoint(published.repository, revision, files=wanted, **options)
    config = Evo2Sizes(**published.config)
    if files == [CONFIG]:
        return _described(config, fetched.commit)
    folder = _converted(find_pickle(fetched.folder), str(fetched.commit), config)
    return Checkpoint(folder, commit=fetched.commit)


def repository_of(name: str) -> str | None:
    """Name the repository of the hub that a name stands for; None for files that are here."""
    if expand_home(expandvars(name)).exists():
        return None
    known = known_name(name)
    if known is not None:
        return KNOWN[known].repository
    return hub.repository(name)[0] if hub.on_hub(name) else None


def weight_files(name: str) -> Sequence[str]:
    """List the files, as patterns, that hold the weights of a repository of the hub."""
    known = known_name(name)
    return hub.FILES if known is None else [KNOWN[known].file]


def convert_named(name: str, folder: Path, *, replace: bool = False) -> Checkpoint:
    """Convert a known name, a `.pt` file or a folder that holds one; see `convert_checkpoint`."""
    if Path(name).exists():
        return convert_checkpoint(name, folder, replace=replace)
    known = known_name(name)
    if known is None:
        raise InputError(f"{name}: neither a file or folder nor a known name ({', '.join(KNOWN)})")
    published = KNOWN[known]
    fetched = hub.find_checkpoint(published.repository, files=[published.file])
    pickled = find_pickle(fetched.folder)
    return convert_checkpoint(pickled, folder, Evo2Sizes(**published.config), replace=replace)


def _pickle_at(path: Path) -> Path | None:
    """Return the pickle that a path names, unless safetensors files are beside it."""
    if path.is_file() and path.suffix == ".pt":
        return path
    if not path.is_dir() or (path / INDEX).exists() or (path / SINGLE).exists():
        return None
    return find_pickle(path) if any(path.glob("*.pt")) else None


def _described(config: Evo2Sizes, commit: str | None) -> Checkpoint:
    """Make a folder that holds a configuration alone: all that is needed before the weights are."""
    text = config.to_json_string()
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    folder = cache_folder() / "configurations" / key
    if not (folder / CONFIG).is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with whole_file(folder / CONFIG) as beside:
            beside.write_text(text, encoding="utf-8")
    return Checkpoint(folder, commit=commit)


def _converted(pickled: Path, key: str, config: Evo2Sizes | None = None) -> Path:
    """Convert a pickle unless that was done before; processes wait for each other."""
    folder = cache_folder() / "converted" / key
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not folder.is_dir():
            logger.warning(
                "%s is a pickle: its weights are converted to safetensors in %s, once",
                pickled,
                folder,
            )
            convert_checkpoint(pickled, folder, config)
    return folder


def _fingerprint(path: Path) -> str:
    """Identify a pickle by the checksums that its archive holds of all tensors, and its config."""
    digest = hashlib.sha256(config_of(path).to_json_string().encode())
    try:
        with ZipFile(path) as archive:
            for entry in archive.infolist():
                digest.update(f"{entry.filename} {entry.file_size} {entry.CRC}\n".encode())
    except (BadZipFile, OSError) as error:
        raise InputError(
            f"{path}: is not a torch checkpoint ({error}); fetch it again, or save it "
            "with a newer torch"
        ) from error
    return digest.hexdigest()[:32]
