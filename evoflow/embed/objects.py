"""Immutable objects in a folder or under an S3 prefix, safe with many writers."""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Protocol
from urllib.parse import urlsplit

from evoflow.errors import InputError
from evoflow.settings import is_remote, resolve


class Objects(Protocol):
    """Named byte strings; a name, once written, never gets other bytes."""

    def names(self, folder: str) -> list[str]:
        """Sorted names of the objects in a folder; none where there is no such folder."""

    def read(self, name: str, start: int = 0, stop: int | None = None) -> bytes:
        """Bytes [start, stop) of an object.

        Raises
        ------
        FileNotFoundError
            If there is no such object.
        """

    def write(self, name: str, content: bytes) -> None:
        """Write an object; readers see all of it or none."""


def open_objects(location: str) -> Objects:
    """Open a folder or an `s3://bucket/prefix`.

    Raises
    ------
    InputError
        For another kind of URL, and where the location cannot be listed.
    """
    if is_remote(location) and not location.startswith("s3://"):
        raise InputError(f"compute.embedding_cache: {location} is neither a folder nor s3://")
    from botocore.exceptions import BotoCoreError, ClientError

    objects: Objects
    try:
        opened = resolve(location)
        objects = S3Objects(opened) if is_remote(opened) else FolderObjects(Path(opened))
        objects.names("probe")
    except (OSError, BotoCoreError, ClientError) as error:
        raise InputError(
            f"compute.embedding_cache: {location} cannot be listed ({error}); check that it is "
            "there and that these credentials may list, read and write it"
        ) from error
    return objects


class FolderObjects:
    """Objects as files of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def names(self, folder: str) -> list[str]:
        """See `Objects`."""
        found = (path for path in (self.folder / folder).glob("*") if path.name[0] != ".")
        return sorted(f"{folder}/{path.name}" for path in found)

    def read(self, name: str, start: int = 0, stop: int | None = None) -> bytes:
        """See `Objects`."""
        with (self.folder / name).open("rb") as file:
            file.seek(start)
            return file.read() if stop is None else file.read(stop - start)

    def write(self, name: str, content: bytes) -> None:
        """See `Objects`."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
            file.write(content)
        Path(file.name).replace(path)


class S3Objects:
    """Objects under a prefix of a bucket."""

    def __init__(self, location: str) -> None:
        import boto3
        from botocore.config import Config

        parts = urlsplit(location)
        self.bucket, self.prefix = parts.netloc, parts.path.strip("/")
        self.client = boto3.client(
            "s3",
            # The S3 of the artifacts; the only endpoint that Metaflow hands to remote tasks.
            endpoint_url=os.environ.get("METAFLOW_S3_ENDPOINT_URL"),
            config=Config(retries={"mode": "standard", "max_attempts": 8}),
        )

    def names(self, folder: str) -> list[str]:
        """See `Objects`."""
        root = f"{self.prefix}/" if self.prefix else ""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=f"{root}{folder}/"
        )
        keys = (item["Key"] for page in pages for item in page.get("Contents", ()))
        return sorted(key.removeprefix(root) for key in keys)

    def read(self, name: str, start: int = 0, stop: int | None = None) -> bytes:
        """See `Objects`."""
        from botocore.exceptions import ClientError

        last = "" if stop is None else str(stop - 1)
        try:
            found = self.client.get_object(
                Bucket=self.bucket, Key=self._key(name), Range=f"bytes={start}-{last}"
            )
        except ClientError as error:
            match error.response["Error"]["Code"]:
                case "NoSuchKey":
                    raise FileNotFoundError(name) from error
                case "InvalidRange":  # the object ends before `start`
                    return b""
            raise
        content: bytes = found["Body"].read()
        return content

    def write(self, name: str, content: bytes) -> None:
        """See `Objects`."""
        self.client.put_object(Bucket=self.bucket, Key=self._key(name), Body=content)

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{name}" if self.prefix else name
