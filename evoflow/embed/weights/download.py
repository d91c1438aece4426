"""Files of the Hugging Face hub, in its own cache; large ones resume where a download broke off.

`huggingface_hub` throws away what came of a file when it gives up on it. So large files are first
put under their final name in its cache, over as many connections as it takes; then it finds them.
HF_HOME, HF_TOKEN, HF_ENDPOINT and HF_HUB_OFFLINE mean what Hugging Face documents.
"""

import errno
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from time import sleep

import httpx2
from huggingface_hub import (
    HfApi,
    constants,
    get_hf_file_metadata,
    get_session,
    hf_hub_url,
    is_offline_mode,
    snapshot_download,
    try_to_load_from_cache,
)
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from evoflow.embed.weights.large_file import BrokenOffError, LargeFile
from evoflow.errors import InputError, first_line
from evoflow.files.cache import cache_folder
from evoflow.files.home import expand_home, takes_files
from evoflow.remote.answers import BUSY, broken_connection

logger = logging.getLogger(__name__)

LARGE = (".safetensors", ".pt")
_ATTEMPTS = 6
_FIRST_PAUSE = 0.5
_REFUSED_BY_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}


@dataclass(frozen=True)
class Wanted:
    """What is fetched of a repository, and how; the options are `snapshot_download`'s."""

    repo: str
    revision: str
    files: Sequence[str]
    cache_dir: str | Path | None = None
    token: str | bool | None = None
    local_files_only: bool = False
    force_download: bool = False

    def __str__(self) -> str:
        return f"{self.repo} at revision {self.revision}"

    @property
    def cache(self) -> Path:
        """Folder of the cache: Hugging Face's own, unless the user has no home to keep it in."""
        folder = Path(self.cache_dir or constants.HF_HUB_CACHE)
        if self.cache_dir or takes_files(folder) or folder.is_dir():
            return expand_home(folder)
        return cache_folder() / "hub"


def fetch(wanted: Wanted) -> Path:
    """Fetch files of a repository, unless they are in the cache; return their folder.

    The folder's name is the commit that the revision stands for now.

    Raises
    ------
    InputError
        When there is no such repository or revision, it may not be read, the disk does not take
        it, or the download broke off again and again.
    """
    failed = 0
    while True:
        try:
            return _attempt(wanted, with_xet=failed == 0)
        except BrokenOffError as error:
            failed = 1 if error.progressed else failed + 1
            if failed >= _ATTEMPTS:
                raise InputError(
                    f"model.checkpoint: the download of {wanted} broke off {failed} times in a row "
                    f"({error}); what was received is kept: check the network and start again"
                ) from error
            logger.warning("the download of %s broke off (%s); trying again", wanted, error)
            pause = _FIRST_PAUSE * 2 ** (failed - 1)
        sleep(pause)


def missing_bytes(wanted: Wanted) -> int:
    """Add up the sizes of the files that are not in the cache; 0 where the hub does not answer.

    Raises
    ------
    InputError
        If the repository holds no weights of a form that is loaded.
    """
    if wanted.local_files_only or is_offline_mode():
        return 0
    _limit_waiting()
    try:
        api = HfApi(token=wanted.token)
        info = api.model_info(wanted.repo, revision=wanted.revision, files_metadata=True)
    except (HfHubHTTPError, httpx2.HTTPError, OSError):
        return 0
    listed = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    weights = [
        name
        for name in listed
        if name.endswith(LARGE) and any(fnmatch(name, want) for want in wanted.files)
    ]
    if not weights:
        raise InputError(
            f"model.checkpoint: {wanted} holds no weights ({', '.join(wanted.files)}); it has "
            f"{', '.join(sorted(listed)) or 'no files'}"
        )
    return sum(listed[name] for name in weights if not _is_cached(wanted, name, wanted.revision))


def _is_cached(wanted: Wanted, name: str, commit: str) -> bool:
    found = try_to_load_from_cache(wanted.repo, name, cache_dir=wanted.cache, revision=commit)
    return isinstance(found, str)


def _attempt(wanted: Wanted, *, with_xet: bool) -> Path:
    """Fetch once; every failure is one of the two errors that `fetch` knows."""
    try:
        _limit_waiting()
        if not (wanted.local_files_only or wanted.force_download or is_offline_mode()):
            _fetch_large(wanted, with_xet=with_xet)
        found = snapshot_download(
            wanted.repo,
            revision=wanted.revision,
            allow_patterns=list(wanted.files),
            cache_dir=wanted.cache,
            token=wanted.token,
            local_files_only=wanted.local_files_only,
            force_download=wanted.force_download,
        )
        return Path(found)
    except (GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise _refused(wanted, error) from error
    except HFValidationError as error:
        raise InputError(f"model.checkpoint: {first_line(error)}") from error
    except LocalEntryNotFoundError as error:
        raise _absent(wanted, error) from error
    except (httpx2.HTTPError, RuntimeError) as error:  # the latter from Xet
        raise _failed(wanted, error) from error
    except OSError as error:
        if error.errno in _REFUSED_BY_DISK:
            raise InputError(
                f"model.checkpoint: {wanted} cannot be kept in {wanted.cache} ({error.strerror}); "
                "free some space or set HF_HOME to another folder"
            ) from error
        raise _failed(wanted, error) from error
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise _no_hub(wanted, error) from error


def _limit_waiting() -> None:
    """Have Hugging Face's library give up on a server that does not answer: it waits for ever."""
    hooks = get_session().event_hooks["request"]
    if _with_limit not in hooks:
        hooks.append(_with_limit)


def _with_limit(request: httpx2.Request) -> None:
    limits = request.extensions.get("timeout", {})
    patience = constants.HF_HUB_DOWNLOAD_TIMEOUT
    request.extensions["timeout"] = {
        kind: patience if limits.get(kind) is None else limits[kind]
        for kind in ("connect", "read", "write", "pool")
    }


def _refused(wanted: Wanted, error: HfHubHTTPError) -> InputError:
    gated = isinstance(error, GatedRepoError) or error.response.status_code in {401, 403}
    remedy = (
        "ask for access on its page, and set HF_TOKEN to a token that has it"
        if gated
        else "check the name, the revision and HF_ENDPOINT, or name a folder with the checkpoint"
    )
    return InputError(
        f"model.checkpoint: {wanted} cannot be fetched ({type(error).__name__}: "
        f"{first_line(error)}); {remedy}"
    )


def _absent(wanted: Wanted, error: LocalEntryNotFoundError) -> Exception:
    """Say why there is nothing in the cache and nothing from the hub."""
    if wanted.local_files_only or is_offline_mode():
        why = "HF_HUB_OFFLINE is set" if is_offline_mode() else "local_files_only is set"
        return InputError(
            f"model.checkpoint: {wanted} is not in {wanted.cache} and {why}; fetch it where there "
            "is a network, set HF_HOME to the cache that has it, or name a folder that holds it"
        )
    return _failed(wanted, error.__cause__ or error)


def _failed(wanted: Wanted, error: BaseException) -> Exception:
    """Tell what another attempt may not meet from what it will."""
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        busy = BrokenOffError(f"the server answers {status}")
        return busy if status in BUSY else _refused(wanted, error)
    if isinstance(error, httpx2.UnsupportedProtocol):
        return _no_hub(wanted, error)
    failure = broken_connection(f"model.checkpoint: {wanted}", error)
    return failure if isinstance(failure, InputError) else BrokenOffError(error)


def _no_hub(wanted: Wanted, error: BaseException) -> InputError:
    """Say that something else answers where the hub should be, such as a page to log in."""
    return InputError(
        f"model.checkpoint: {constants.ENDPOINT!r} does not answer as a hub does "
        f"({type(error).__name__}: {first_line(error)}); check HF_ENDPOINT and the network's login "
        f"or proxy, or set HF_HUB_OFFLINE=1 if {wanted} is in {wanted.cache}"
    )


def _fetch_large(wanted: Wanted, *, with_xet: bool) -> None:
    """Put the large files where the hub's own library looks for them first."""
    try:
        info = HfApi(token=wanted.token).model_info(wanted.repo, revision=wanted.revision)
    except (HfHubHTTPError, httpx2.HTTPError):
        return  # snapshot_download may have what it needs, or says what is wrong
    names = [sibling.rfilename for sibling in info.siblings or ()]
    for name in names:
        if not name.endswith(LARGE) or not any(fnmatch(name, want) for want in wanted.files):
            continue
        if _is_cached(wanted, name, str(info.sha)):
            continue
        url = hf_hub_url(wanted.repo, name, revision=info.sha)
        known = get_hf_file_metadata(url, token=wanted.token, timeout=constants.HF_HUB_ETAG_TIMEOUT)
        faster = known.xet_file_data is not None and with_xet and not constants.HF_HUB_DISABLE_XET
        sound = known.size is not None and re.fullmatch("[0-9a-f]{64}", known.etag or "")
        if sound and not faster:
            folder = wanted.cache / f"models--{wanted.repo.replace('/', '--')}" / "blobs"
            part = LargeFile(url, folder / str(known.etag), int(known.size or 0), wanted.token)
            part.fetch()
