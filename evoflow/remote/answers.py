"""What servers say of a remote file: how large it is, a stretch of it, or why there is none."""

import re
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Protocol

from evoflow.errors import InputError

CONNECT_SECONDS, READ_SECONDS = 10, 60
CHUNK = 1 << 16
"""Bytes that are handed on at once."""

FORBIDDEN = {401, 403}
BUSY = {408, 425, 429, 500, 502, 503, 504}
"""Statuses that another attempt may not meet."""
_GONE = {404, 410}


class TransientError(Exception):
    """Something that another attempt may not meet: throttling, a reset, a body cut short.

    Attributes
    ----------
    wait
        Seconds for which the server asks to be left alone.
    """

    def __init__(self, message: str, wait: float = 0) -> None:
        super().__init__(message)
        self.wait = wait


class UnavailableError(InputError):
    """The file is not there, or may not be read."""


@dataclass(frozen=True)
class Description:
    """A remote file as its server describes it.

    Attributes
    ----------
    size
        Bytes.
    version
        Changes when the content does: the ETag, else the time of the last change.
    md5
        Hexadecimal MD5 of the content; None where the server does not give it.
    """

    size: int
    version: str
    md5: str | None


@dataclass(frozen=True)
class Body:
    """A part of a remote file.

    Attributes
    ----------
    version
        Version of the file that the part is of.
    size
        Bytes of the whole file.
    start
        Offset of the first byte; 0 where the server answers with the whole file.
    stop
        Offset after the last byte that the server announces.
    chunks
        The bytes, in pieces; raises `TransientError` where the connection breaks.
    """

    version: str
    size: int
    start: int
    stop: int
    chunks: Iterator[bytes]


class Source(Protocol):
    """One remote file."""

    def describe(self) -> Description:
        """Ask for size and version."""

    def read(self, start: int, stop: int) -> Body:
        """Ask for the bytes from `start` up to, not including, `stop`."""


def stretch(url: str, asked: int, status: int, headers: Mapping[str, str]) -> tuple[int, int, int]:
    """Read from an answer's headers the size of the file, and where its bytes start and stop.

    Parameters
    ----------
    url
        For messages.
    asked
        Offset of the first byte that was asked for.
    status, headers
        Of an answer that is a success; the headers' names may be in small letters.

    Raises
    ------
    InputError
        When they are neither the whole file nor bytes from `asked` on, or this is not stated
        (RFC 9110, section 14.4).
    """
    if status == HTTPStatus.OK:
        length = headers.get("content-length", "")
        if not length.isdecimal():
            raise InputError(f"{url}: the server does not state its size; download it")
        return int(length), 0, int(length)
    stated = headers.get("content-range", "")
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", stated)
    start, last, size = map(int, match.groups()) if match else (-1, -1, -1)
    if not asked == start <= last < size:
        raise InputError(
            f"{url}: the server was asked for the bytes from {asked} on and answers {status} with "
            f"Content-Range {stated!r}; download the file and give its path"
        )
    return size, start, last + 1


def refusal(url: str, status: int, retry_after: str = "", reason: str = "") -> Exception:
    """Turn a status that is not a success into what it means for the user.

    Parameters
    ----------
    url
        For messages.
    status, retry_after
        Of the answer.
    reason
        What the server says of it, if it says anything.
    """
    if status in BUSY:
        return TransientError(f"the server answers {status}", _seconds(retry_after))
    said = f"{status}: {reason}" if reason else str(status)
    if status in _GONE:
        return UnavailableError(f"{url}: there is no such file (status {said}); check the URL")
    if status in FORBIDDEN:
        return UnavailableError(
            f"{url}: no permission, or no such file (status {said}); check the URL and, unless "
            "it is public, your credentials"
        )
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return InputError(
            f"{url}: is empty, or has become shorter while it was read; give a complete file"
        )
    return InputError(f"{url}: the server answers {said}; check the URL")


def broken_connection(url: str, error: BaseException) -> Exception:
    """Turn an error of a connection into what it means for the user."""
    cause = error
    while deeper := cause.__cause__ or cause.__context__:
        cause = deeper
    if isinstance(cause, ssl.SSLCertVerificationError):
        return InputError(
            f"{url}: the certificate of the server is not trusted ({cause.verify_message}); if it "
            "is of your institution's own authority, set REQUESTS_CA_BUNDLE (for S3 AWS_CA_BUNDLE, "
            "for Hugging Face SSL_CERT_FILE) to a PEM file with that authority's certificate"
        )
    lacking = isinstance(cause, FileNotFoundError) and cause.filename is None  # ssl names none
    if lacking or getattr(cause, "reason", "") == "NO_CERTIFICATE_OR_CRL_FOUND":
        return InputError(
            f"{url}: the file of trusted certificates is missing or holds none; check "
            "REQUESTS_CA_BUNDLE, AWS_CA_BUNDLE and SSL_CERT_FILE"
        )
    return TransientError(f"the connection failed ({type(error).__name__}: {cause})")


def _seconds(retry_after: str) -> float:
    """Read a Retry-After, which is of seconds or a date (RFC 9110, section 10.2.3)."""
    try:
        if retry_after.isdecimal():
            return int(retry_after)
        return parsedate_to_datetime(retry_after).timestamp() - time.time()
    except ValueError:
        return 0
