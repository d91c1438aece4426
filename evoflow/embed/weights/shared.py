"""Weights that the tasks of a run share: the first one fetches them, the others read its copy.

Under the folder or S3 prefix, `REPOSITORY/COMMIT/` holds the files of a checkpoint as the hub has
them. `manifest`, which is written last, lists their sizes and the digest of every tensor, so
that readers notice wrong bytes; its last line is its own digest. `claim` says who is fetching; its
content changes every few seconds for as long as that task lives.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch

from evoflow.embed.hyena.checkpoint import INDEX, Checkpoint
from evoflow.embed.objects.folder import FolderObjects
from evoflow.embed.objects.places import open_objects
from evoflow.embed.objects.protocol import Objects
from evoflow.embed.weights.files import LocalFile
from evoflow.embed.weights.identity import tensor_digest
from evoflow.embed.weights.loading import TensorStream
from evoflow.errors import InputError
from evoflow.files.cache import cache_folder

logger = logging.getLogger(__name__)

SETTING = "compute.weights"
FORMAT = 1
BEAT_SECONDS = 10.0
STALE_SECONDS = 60.0
POLL_SECONDS = 2.0
_ATTEMPTS = 3
_SMALL = ("config.json", INDEX)


class SharingError(Exception):
    """The shared copy cannot be read or written; the hub may still have the weights."""


class DamagedError(SharingError):
    """The shared copy does not hold what was once written."""


@dataclass(frozen=True)
class SharedFile:
    """A file of weights in the shared place."""

    objects: Objects
    name: str
    label: str
    size: int

    @property
    def readers(self) -> int:
        """See `WeightFile`: S3 gives one connection a fraction of what the network has."""
        return 8 if isinstance(self.objects, FolderObjects) else 16

    def read_into(self, start: int, buffers: Sequence[memoryview]) -> None:
        """See `WeightFile`."""
        try:
            self.objects.read_into(self.name, start, buffers)
        except FileNotFoundError as error:
            raise InputError(f"{self.label}: is gone") from error


class SharedWeights:
    """The checkpoints in one folder or under one S3 prefix.

    Parameters
    ----------
    location
        Folder or `s3://bucket/prefix`.

    Raises
    ------
    SharingError
        If the location cannot be used.
    """

    def __init__(self, location: str) -> None:
        self.location = location.rstrip("/")
        with sharing():
            self.objects = open_objects(location, SETTING)

    def find(self, repo: str, commit: str) -> Checkpoint | None:
        """Find a checkpoint; None where it is not, or not wholly, there.

        Raises
        ------
        SharingError
            If what is there cannot be read.
        """
        place = f"{repo}/{commit}"
        with sharing():
            try:
                manifest = json.loads(self._sound(f"{place}/manifest", None))
            except FileNotFoundError:
                return None
            if manifest["format"] != FORMAT:
                return None
            folder = cache_folder() / "weights" / f"{repo.replace('/', '--')}-{commit}"
            local = FolderObjects(folder)
            for name, digest in manifest["small"].items():
                local.write(name, self._sound(f"{place}/{name}", digest))
            elsewhere = {
                name: SharedFile(
                    self.objects, f"{place}/{name}", f"{self.location}/{place}/{name}", size
                )
                for name, size in manifest["files"].items()
            }
            return Checkpoint(folder, commit, elsewhere, manifest["tensors"])

    def _sound(self, name: str, digest: str | None) -> bytes:
        """Read a small object, again where it has another digest; the manifest has its own."""
        for _ in range(_ATTEMPTS):
            content = self.objects.read(name)
            wanted = digest
            if wanted is None:
                content, _, own = content.rpartition(b"\n")
                wanted = own.decode(errors="replace")
            if tensor_digest(content) == wanted:
                return content
        raise DamagedError(f"{self.location}/{name} is damaged")

    def provide(self, repo: str, commit: str, fetch: Callable[[], Checkpoint]) -> Checkpoint:
        """Find a checkpoint, or fetch it and put it there, or wait until another task has done so.

        Parameters
        ----------
        repo, commit
            Repository of the hub, and what its revision stands for.
        fetch
            Gets the checkpoint from the hub.

        Raises
        ------
        SharingError
            If the shared place fails before anything was fetched.
        InputError
            As `fetch` raises it.
        """
        while (found := self.find(repo, commit)) is None:
            with self._claimed(f"{repo}/{commit}") as mine:
                if mine:
                    return self._fetch(repo, commit, fetch)
        return found

    def _fetch(self, repo: str, commit: str, fetch: Callable[[], Checkpoint]) -> Checkpoint:
        """Fetch, then share; a copy that cannot be made costs the others time, not this task."""
        checkpoint = fetch()
        try:
            self._share(f"{repo}/{commit}", checkpoint)
        except (SharingError, InputError) as error:
            logger.warning(
                "%s: %s could not be stored there (%s); every task fetches it from the hub",
                SETTING,
                repo,
                error,
            )
        return checkpoint

    def repair(self, repo: str, commit: str, checkpoint: Checkpoint, error: SharingError) -> None:
        """Write a copy that could not be read again; what fails in this costs nothing but time.

        Of the tasks that meet the same damage one writes.
        """
        place = f"{repo}/{commit}"
        try:
            with sharing():
                repairs = [name for name in self.objects.names(place) if "/repair-" in name]
                mine = self.objects.create(f"{place}/repair-{len(repairs) + 1}", b"")
            if mine:
                self._share(place, checkpoint, anew=isinstance(error, DamagedError))
        except (SharingError, InputError) as failure:
            logger.debug("%s: %s could not be repaired (%s)", SETTING, place, failure)

    def _share(self, place: str, checkpoint: Checkpoint, *, anew: bool = False) -> None:
        """Copy the files that are not there yet, or all of them, then write the manifest."""
        stream = TensorStream(checkpoint.tensors(), torch.device("cpu"))
        for _ in stream:  # only its digests are wanted
            pass
        small = {
            path.name: path.read_bytes()
            for path in (checkpoint.folder / name for name in _SMALL)
            if path.exists()
        }
        files = {Path(file.label).name: file for file in checkpoint.shards()}
        manifest: dict[str, Any] = {
            "format": FORMAT,
            "weights": stream.identity,
            "small": {name: tensor_digest(content) for name, content in small.items()},
            "files": {name: file.size for name, file in files.items()},
            "tensors": stream.digests,
        }
        with sharing():
            for name, file in files.items():
                if isinstance(file, LocalFile) and (
                    anew or self.objects.size(f"{place}/{name}") != file.size
                ):
                    self.objects.write_file(f"{place}/{name}", file.path)
            for name, content in small.items():
                self.objects.write(f"{place}/{name}", content)
            content = json.dumps(manifest).encode()
            signed = content + b"\n" + tensor_digest(content).encode()
            self.objects.write(f"{place}/manifest", signed)

    @contextmanager
    def _claimed(self, place: str) -> Iterator[bool]:
        """Claim the fetching for as long as the context lasts, or wait a while and yield False."""
        name, me = f"{place}/claim", uuid4().hex
        with sharing():
            mine = self.objects.create(name, me.encode()) or self._taken_over(place, name, me)
        if not mine:
            yield False
            return
        ended = threading.Event()

        def beat() -> None:
            beats = 0
            while not ended.wait(BEAT_SECONDS):
                beats += 1
                try:
                    self.objects.write(name, f"{me} {beats}".encode())
                except InputError:  # another task may take over: both copies are equal
                    logger.debug("%s: the claim could not be renewed", SETTING)

        heart = threading.Thread(target=beat, daemon=True)
        heart.start()
        try:
            yield True
        finally:
            ended.set()
            heart.join()
            try:
                self.objects.write(name, b"")
            except InputError:
                logger.debug("%s: the claim could not be given up", SETTING)

    def _taken_over(self, place: str, name: str, me: str) -> bool:
        """Wait for the manifest; take over where its maker gave up or died."""
        seen, since, told = None, time.monotonic(), False
        while self.objects.size(f"{place}/manifest") is None:
            content = self.objects.read(name)
            now = time.monotonic()
            if content != seen:
                seen, since = content, now
            if not content or now - since > STALE_SECONDS:
                self.objects.write(name, me.encode())
                time.sleep(POLL_SECONDS)  # of several that take over, the last one stays
                return self.objects.read(name) == me.encode()
            if not told:
                told = True
                logger.warning(
                    "waiting for another task to put the weights into %s/%s", self.location, place
                )
            time.sleep(POLL_SECONDS)
        return False


@contextmanager
def sharing() -> Iterator[None]:
    """Turn every way in which the shared place may fail into one."""
    try:
        yield
    except (InputError, OSError) as error:
        damaged = isinstance(error.__cause__, FileNotFoundError | EOFError | None)
        kind = DamagedError if isinstance(error, InputError) and damaged else SharingError
        raise kind(str(error)) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedError(str(error)) from error
