"""Objects on S3: what is public without a login, the rest with the user's."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

from evoflow.errors import InputError
from evoflow.remote.answers import (
    CHUNK,
    CONNECT_SECONDS,
    FORBIDDEN,
    READ_SECONDS,
    Body,
    Description,
    TransientError,
    UnavailableError,
    broken_connection,
    refusal,
    stretch,
)
from evoflow.remote.aws import LoginError, anonymous_client, signed_client

_logging_in = Lock()
_private: set[str] = set()
"""Buckets that have refused to answer without a login."""


class _RefusedError(Exception):
    """S3 does not answer to this client; another one may be allowed."""


@cache
def _client(*, signed: bool) -> Any:
    """Make a client, with the user's login or without; it answers for all buckets."""
    from botocore.config import Config

    once = Config(
        retries={"total_max_attempts": 1},  # attempts are counted in one place, ours
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=32,
    )
    return signed_client(once) if signed else anonymous_client(once)


@cache
def _login_problem() -> str:
    """Say why there is no client with a login; nothing where there is one."""
    try:
        _client(signed=True)
    except LoginError as error:
        return str(error)
    return ""


@dataclass(frozen=True)
class S3Object:
    """An object in a bucket."""

    url: str
    bucket: str
    key: str
    requester_pays: bool

    def describe(self) -> Description:
        """Ask for size and version; see `Source`."""
        # Not HEAD, whose refusals have no reason.
        answer = self._ask(0, 1)
        answer["Body"].close()
        size, etag = self._stretch(answer, 0)[0], str(answer["ETag"])
        plain = etag.strip('"')
        # Of an object uploaded in parts, or encrypted by a key service, the ETag is no MD5.
        is_md5 = len(plain) == 32 and answer.get("ServerSideEncryption") in {None, "AES256"}
        return Description(size, etag, plain if is_md5 else None)

    def read(self, start: int, stop: int) -> Body:
        """Ask for the bytes from `start` up to, not including, `stop`; see `Source`."""
        answer = self._ask(start, stop)
        return Body(str(answer["ETag"]), *self._stretch(answer, start), _chunks(answer["Body"]))

    def _stretch(self, answer: dict[str, Any], asked: int) -> tuple[int, int, int]:
        said = answer["ResponseMetadata"]
        return stretch(self.url, asked, said["HTTPStatusCode"], said["HTTPHeaders"])

    def _ask(self, start: int, stop: int) -> dict[str, Any]:
        """Ask without a login, then with it: what is public is read however broken the login is.

        Where a login was needed or is asked for, the order is the other way round.
        """
        signed_first = self.requester_pays or self.bucket in _private
        refusals: list[str] = []
        for signed in (signed_first, not signed_first):
            try:
                answer = self._ask_once(start, stop, signed=signed)
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

    def _ask_once(self, start: int, stop: int, *, signed: bool) -> dict[str, Any]:
        from botocore import exceptions

        if signed:
            with _logging_in:  # once, also where many files are asked for at once
                problem = _login_problem()
            if problem:
                raise _RefusedError(problem)
        payer = {"RequestPayer": "requester"} if signed and self.requester_pays else {}
        try:
            answer: dict[str, Any] = _client(signed=signed).get_object(
                Bucket=self.bucket, Key=self.key, Range=f"bytes={start}-{stop - 1}", **payer
            )
        except exceptions.ClientError as error:
            said, why = error.response["ResponseMetadata"], error.response["Error"]
            status = int(said.get("HTTPStatusCode", 500))
            if why["Code"] == "InvalidObjectState":
                raise InputError(
                    f"{self.url}: is archived (Glacier); restore it (`aws s3api restore-object`) "
                    "and start again when that is done"
                ) from error
            # A bucket elsewhere cannot be found without a login where its server does not say so.
            if status in {301, 400, *FORBIDDEN}:
                whose = "with" if signed else "without"
                code = "" if why["Code"].isdigit() else f" {why['Code']}"
                raise _RefusedError(
                    f"status {status}{code} {whose} your AWS login: {why['Message'].rstrip('.')}"
                ) from error
            wait = said.get("HTTPHeaders", {}).get("retry-after", "")
            raise refusal(self.url, status, wait) from error
        except exceptions.ParamValidationError as error:
            raise InputError(f"{self.url}: is not an S3 address ({error}); check it") from error
        except (exceptions.HTTPClientError, exceptions.ConnectionError) as error:
            raise broken_connection(self.url, error) from error
        except (exceptions.BotoCoreError, LoginError) as error:  # a login that has run out
            raise _RefusedError(str(error)) from error
        return answer


def _chunks(body: Any) -> Iterator[bytes]:
    from botocore.exceptions import BotoCoreError
    from urllib3.exceptions import HTTPError

    with body:
        try:
            yield from body.iter_chunks(CHUNK)
        except (BotoCoreError, HTTPError) as error:  # botocore lets some of TLS's errors through
            raise TransientError("the answer was cut short") from error
