"""One large file over HTTP, resumed where an earlier attempt broke off."""

import errno
import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from filelock import FileLock
from huggingface_hub import constants, get_session
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status, tqdm  # type: ignore[attr-defined]

from evoflow.errors import first_line

_PROGRESS = 1 << 14
"""Bytes that an attempt must bring, or it counts as one of those in a row that failed."""


class BrokenOffError(Exception):
    """A failure that may not happen again."""

    def __init__(self, reason: object, *, progressed: bool = False) -> None:
        super().__init__(first_line(reason))
        self.progressed = progressed


@dataclass(frozen=True)
class LargeFile:
    """A file that is downloaded; the cache names it by the SHA-256 of its content."""

    url: str
    path: Path
    size: int
    token: str | bool | None

    def fetch(self) -> None:
        """Fetch what is missing over one connection."""
        if self.path.exists():
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_name(f"{self.path.name}.partial.incomplete")
        locks = self.path.parents[2] / ".locks"
        locks.mkdir(exist_ok=True)
        with FileLock(locks / f"{self.path.name}.evoflow.lock"):
            if self.path.exists():  # another process was faster
                return
            free = shutil.disk_usage(self.path.parent).free
            with partial.open("ab") as file:
                if self.size - file.tell() > free:
                    raise OSError(
                        errno.ENOSPC,
                        f"{self.size / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB are free",
                    )
                self._append(file)
            with partial.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != self.path.name:
                partial.unlink()
                raise BrokenOffError(
                    "the received data does not have the checksum that the hub states"
                )
            partial.replace(self.path)

    def _append(self, file: Any) -> None:
        """Append what is missing; raise where the connection breaks."""
        before = begun = file.tell()
        if begun > self.size:
            file.truncate(0)
            begun = 0
        if begun == self.size:
            return
        headers = build_hf_headers(token=self.token) | {
            "Accept-Encoding": "identity",
            "Range": f"bytes={begun}-",
        }
        label = f"{self.path.name[:8]} ({self.size / 1e9:.1f} GB)"
        try:
            with get_session().stream(
                "GET",
                self.url,
                headers=headers,
                follow_redirects=True,
                timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT,
            ) as answer:
                hf_raise_for_status(answer)
                if answer.status_code != httpx2.codes.PARTIAL_CONTENT:  # it knows no ranges
                    file.truncate(0)
                    begun = 0
                with tqdm(
                    desc=label, initial=begun, total=self.size, unit="B", unit_scale=True
                ) as bar:
                    for chunk in answer.iter_raw():
                        file.write(chunk)
                        bar.update(len(chunk))
        except HfHubHTTPError:
            raise
        except httpx2.HTTPError as error:
            progressed = file.tell() - before >= _PROGRESS
            raise BrokenOffError(
                f"{type(error).__name__}: {error}", progressed=progressed
            ) from error
