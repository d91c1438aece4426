"""Bytes of files on S3 and on web servers: how large a file is, and any stretch of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from evoflow.errors import InputError
from evoflow.remote.aws import LoginError, anonymous_client, signed_client
from evoflow.secrets import expand

if TYPE_CHECKING:
    import requests

_CONNECT, _READ = 10, 60
_CHUNK = 1 << 16
_BUSY = {408, 425, 429, 500, 502, 503, 504}
_REFUSED = {401, 403}
_GONE = {404, 410}


class TransientError(Exception):
    """Something that another attempt may not meet: throttling, a reset, a body cut short."""


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
    start
        Offset of the first byte; 0 where the server answers with the whole file.
    chunks
        The bytes, in pieces; raises `TransientError` where the connection breaks.
    """

    version: str
    start: int
    chunks: Iterator[bytes]


class Source(Protocol):
    """One remote file."""

    def describe(self) -> Description:
        """Ask for size and version."""

    def read(self, start: int, stop: int) -> Body:
        """Ask for the bytes from `start` up to, not including, `stop`."""


def source(url: str, *, requester_pays: bool = False) -> Source:
    """Choose how to reach a URL.

    Parameters
    ----------
    url
        `s3`, `https` or `http`.
    requester_pays
        Let S3 charge the user's account for requests and transfers.

    Raises
    ------
    InputError
        When the scheme is not `s3`, `https` or `http`.
    """
    try:
        url = expand(url)
    except ValueError as error:
        raise InputError(str(error)) from error
    parts = urlsplit(url)
    if parts.scheme == "s3" and parts.netloc and parts.path.strip("/"):
        return _S3Object(url, parts.netloc, parts.path.lstrip("/"), requester_pays)
    if parts.scheme in {"https", "http"} and parts.netloc:
        return _WebFile(url)
    raise InputError(f"{url}: cannot be read; give a path, s3://bucket/key or https://host/path")


def _refusal(url: str, status: int) -> Exception:
    """Turn a status that is not a success into what it means for the user."""
    if status in _BUSY:
        return TransientError(f"the server answers {status}")
    if status in _GONE:
        return UnavailableError(f"{url}: there is no such file (status {status}); check the URL")
    if status in _REFUSED:
        return UnavailableError(
            f"{url}: no permission, or no such file (status {status}); check the URL and, unless "
            "it is public, your credentials"
        )
    return InputError(f"{url}: the server answers {status}; check the URL")


@cache
def _session() -> "requests.Session":
    import requests

    session = requests.Session()
    session.headers["Accept-Encoding"] = "identity"  # compressed on the way, sizes would lie
    return session


@dataclass(frozen=True)
class _WebFile:
    """A file on a web server."""

    url: str

    def describe(self) -> Description:
        # Not HEAD: signed URLs allow but one method, and only an answer to a range gives the size.
        with self._ask(0, 1) as answer:
            size = answer.headers.get("Content-Range", "").rpartition("/")[2]
            size = size or answer.headers.get("Content-Length", "")
            if not size.isdigit():
                raise InputError(f"{self.url}: the server does not state its size; download it")
            return Description(int(size), _web_version(answer), None)

    def read(self, start: int, stop: int) -> Body:
        answer = self._ask(start, stop)
        partial = answer.status_code == HTTPStatus.PARTIAL_CONTENT
        return Body(_web_version(answer), start if partial else 0, _web_chunks(answer))

    def _ask(self, start: int, stop: int) -> "requests.Response":
        import requests

        try:
            answer = _session().get(
                self.url,
                headers={"Range": f"bytes={start}-{stop - 1}"},
                stream=True,
                timeout=(_CONNECT, _READ),
            )
        except (requests.ConnectionError, requests.Timeout) as error:
            raise TransientError(f"the connection failed ({type(error).__name__})") from error
        except requests.RequestException as error:
            raise InputError(f"{self.url}: cannot be read ({error}); check the URL") from error
        if answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            answer.close()
            raise InputError(f"{self.url}: is empty; give a complete file")
        if not answer.ok:
            answer.close()
            raise _refusal(self.url, answer.status_code)
        return answer


def _web_version(answer: "requests.Response") -> str:
    return answer.headers.get("ETag") or answer.headers.get("Last-Modified", "")


def _web_chunks(answer: "requests.Response") -> Iterator[bytes]:
    from urllib3.exceptions import HTTPError

    with answer:
        try:
            # As they are: some servers declare a .gz file to be a compressed plain one.
            yield from answer.raw.stream(_CHUNK, decode_content=False)
        except HTTPError as error:
            raise TransientError("the answer was cut short") from error


_logging_in = Lock()
_private: set[str] = set()
"""Buckets that have refused to answer without a login."""


class _RefusedError(Exception):
    """S3 does not answer to this client; another one may be allowed."""


@cache
def _s3_client(*, signed: bool) -> Any:
    """Make a client, with the user's login or without; it answers for all buckets."""
    from botocore.config import Config

    once = Config(
        retries={"total_max_attempts": 1},  # attempts are counted in one place, ours
        connect_timeout=_CONNECT,
        read_timeout=_READ,
        max_pool_connections=32,
    )
    return signed_client(once) if signed else anonymous_client(once)


@cache
def _login_problem() -> str:
    """Say why there is no client with a login; nothing where there is one."""
    try:
        _s3_client(signed=True)
    except LoginError as error:
        return str(error)
    return ""


@dataclass(frozen=True)
class _S3Object:
    """An object in a bucket."""

    url: str
    bucket: str
    key: str
    requester_pays: bool

    def describe(self) -> Description:
        answer = self._ask("head_object")
        size, etag = int(answer["ContentLength"]), str(answer["ETag"])
        if not size:
            raise InputError(f"{self.url}: is empty; give a complete file")
        plain = etag.strip('"')
        # Of an object uploaded in parts, or encrypted by a key service, the ETag is no MD5.
        is_md5 = len(plain) == 32 and answer.get("ServerSideEncryption") in {None, "AES256"}
        return Description(size, etag, plain if is_md5 else None)

    def read(self, start: int, stop: int) -> Body:
        answer = self._ask("get_object", Range=f"bytes={start}-{stop - 1}")
        partial = "ContentRange" in answer
        return Body(str(answer["ETag"]), start if partial else 0, _s3_chunks(answer["Body"]))

    def _ask(self, operation: str, **arguments: str) -> dict[str, Any]:
        """Ask without a login, then with it: what is public is read however broken the login is.

        Where a login was needed or is asked for, the order is the other way round.
        """
        signed_first = self.requester_pays or self.bucket in _private
        refusals: list[str] = []
        for signed in (signed_first, not signed_first):
            try:
                answer = self._ask_once(operation, arguments, signed=signed)
            except _RefusedError as error:
                refusals.append(str(error))
            else:
                if signed:
                    _private.add(self.bucket)
                return answer
        raise UnavailableError(
            f"{self.url}: no permission, or no such file ({'; '.join(refusals)}); check the URL "
            f"and, unless it is public, your AWS login{self._if_paid()}"
        )

    def _if_paid(self) -> str:
        if self.requester_pays:
            return ", which `requester_pays` charges"
        return "; where the bucket charges its readers, set `requester_pays: true` in the data YAML"

    def _ask_once(
        self, operation: str, arguments: dict[str, str], *, signed: bool
    ) -> dict[str, Any]:
        from botocore import exceptions

        if signed:
            with _logging_in:  # once, also where many files are asked for at once
                problem = _login_problem()
            if problem:
                raise _RefusedError(problem)
        if signed and self.requester_pays:
            arguments = arguments | {"RequestPayer": "requester"}
        ask = getattr(_s3_client(signed=signed), operation)
        try:
            answer: dict[str, Any] = ask(Bucket=self.bucket, Key=self.key, **arguments)
        except exceptions.ClientError as error:
            status = int(error.response["ResponseMetadata"].get("HTTPStatusCode", 500))
            # A bucket elsewhere cannot be found without a login where its server does not say so.
            if status in {301, 400, *_REFUSED}:
                code = error.response["Error"]["Code"]
                said = f"status {status}" + ("" if code.isdigit() else f" {code}")
                whose = "with" if signed else "without"
                raise _RefusedError(f"{said} {whose} your AWS login") from error
            raise _refusal(self.url, status) from error
        except exceptions.ParamValidationError as error:
            raise InputError(f"{self.url}: is not an S3 address ({error}); check it") from error
        except (exceptions.HTTPClientError, exceptions.ConnectionError) as error:
            raise TransientError(f"the connection failed ({type(error).__name__})") from error
        except exceptions.BotoCoreError as error:  # such as a login that has run out meanwhile
            raise _RefusedError(str(error)) from error
        return answer


def _s3_chunks(body: Any) -> Iterator[bytes]:
    with _s3_broken(), body:
        yield from body.iter_chunks(_CHUNK)


@contextmanager
def _s3_broken() -> Iterator[None]:
    from botocore.exceptions import BotoCoreError

    try:
        yield
    except BotoCoreError as error:
        raise TransientError("the answer was cut short") from error
