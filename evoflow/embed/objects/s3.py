"""Objects under a prefix of an S3 bucket.

What fails for a passing reason is done again; what fails for good is an `InputError`.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from evoflow.embed.objects.protocol import fill
from evoflow.errors import InputError
from evoflow.remote.answers import BUSY, TransientError, broken_connection
from evoflow.remote.aws import LoginError, anonymous_client, signed_client
from evoflow.remote.mirror import persist
from evoflow.settings import split_s3

CONNECTIONS = 32
"""Requests to S3 that one process may have under way."""

_TAKEN = {409, 412}

Answer = TypeVar("Answer")


class S3Objects:
    """Objects under a prefix of a bucket; without a login, what is public of them can be read."""

    def __init__(self, location: str) -> None:
        from botocore.config import Config

        self.location = location.rstrip("/")
        self.bucket, key = split_s3(location) or ("", "")
        self.prefix = key.strip("/")
        # The S3 of the artifacts; the only endpoint that Metaflow hands to remote tasks.
        endpoint = os.environ.get("METAFLOW_S3_ENDPOINT_URL")
        config = Config(
            retries={"total_max_attempts": 1},  # attempts are counted in `persist`
            max_pool_connections=CONNECTIONS,
            connect_timeout=10,
            read_timeout=30,
            # What is read has digests of its own.
            response_checksum_validation="when_required",
        )
        self.login_problem = ""
        try:
            self.client = signed_client(config, endpoint)
        except LoginError as error:
            self.login_problem = f"; {error}"
            self.client = anonymous_client(config, endpoint)

    def names(self, folder: str) -> list[str]:
        """See `Objects`."""
        root = f"{self.prefix}/" if self.prefix else ""

        def listed() -> list[str]:
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=f"{root}{folder}/"
            )
            return [item["Key"] for page in pages for item in page.get("Contents", ())]

        return sorted(key.removeprefix(root) for key in self._ask(folder, listed))

    def size(self, name: str) -> int | None:
        """See `Objects`."""
        try:
            found = self._ask(
                name, lambda: self.client.head_object(Bucket=self.bucket, Key=self._key(name))
            )
        except FileNotFoundError:
            return None
        return int(found["ContentLength"])

    def read(self, name: str, start: int = 0, stop: int | None = None) -> bytes:
        """See `Objects`."""
        from botocore.exceptions import ClientError

        last = "" if stop is None else str(stop - 1)

        def content() -> bytes:
            try:
                return bytes(self._get(name, f"bytes={start}-{last}").read())
            except ClientError as error:
                if error.response["Error"]["Code"] == "InvalidRange":  # it ends before `start`
                    return b""
                raise

        return self._ask(name, content)

    def read_into(self, name: str, start: int, buffers: Sequence[memoryview]) -> None:
        """See `Objects`."""
        stop = start + sum(map(len, buffers))
        if stop == start:
            return

        def content() -> None:
            with self._get(name, f"bytes={start}-{stop - 1}") as body:
                for buffer in buffers:
                    fill(body.readinto, buffer)

        self._ask(name, content)

    def write(self, name: str, content: bytes) -> None:
        """See `Objects`."""
        self._ask(
            name,
            lambda: self.client.put_object(Bucket=self.bucket, Key=self._key(name), Body=content),
        )

    def write_file(self, name: str, path: Path) -> None:
        """See `Objects`; large files go in parts, several at once."""
        self._ask(name, lambda: self.client.upload_file(str(path), self.bucket, self._key(name)))

    def create(self, name: str, content: bytes) -> bool:
        """See `Objects`."""
        from botocore.exceptions import ClientError

        def made() -> bool:
            try:
                self.client.put_object(
                    Bucket=self.bucket, Key=self._key(name), Body=content, IfNoneMatch="*"
                )
            except ClientError as error:
                if _status(error) in _TAKEN:
                    return False
                raise
            return True

        return self._ask(name, made)

    def _get(self, name: str, range_: str) -> Any:
        found = self.client.get_object(Bucket=self.bucket, Key=self._key(name), Range=range_)
        return found["Body"]

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{name}" if self.prefix else name

    def _ask(self, name: str, action: Callable[[], Answer]) -> Answer:
        """Do something, and try again where it fails for a passing reason."""
        from boto3.exceptions import S3UploadFailedError
        from botocore import exceptions
        from urllib3.exceptions import HTTPError

        url = f"{self.location}/{name}"

        def attempt() -> Answer:
            try:
                return action()
            except exceptions.ClientError as error:
                code, status = error.response["Error"]["Code"], _status(error)
                if code in {"NoSuchKey", "404"}:
                    raise FileNotFoundError(url) from error
                if status in BUSY or code == "SlowDown":
                    raise TransientError(f"S3 answers {status} {code}") from error
                said = error.response["Error"].get("Message", "")
                raise InputError(
                    f"{url}: S3 answers {status} {code}: {said}{self.login_problem}"
                ) from error
            except S3UploadFailedError as error:
                raise TransientError(str(error)) from error
            except (
                OSError,
                EOFError,
                HTTPError,
                exceptions.ConnectionError,
                exceptions.HTTPClientError,
                exceptions.IncompleteReadError,
            ) as error:
                raise broken_connection(url, error) from error
            except (exceptions.BotoCoreError, LoginError) as error:
                raise InputError(f"{url}: {error}") from error

        return persist(attempt, url)


def _status(error: Any) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
