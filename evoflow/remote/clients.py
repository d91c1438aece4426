"""Bytes of files on S3 and on web servers: how large a file is, and any stretch of it."""

from urllib.parse import urlsplit

from evoflow.errors import InputError
from evoflow.remote.answers import Source
from evoflow.remote.s3 import S3Object
from evoflow.remote.web import WebFile
from evoflow.secrets import expand


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
        return S3Object(url, parts.netloc, parts.path.lstrip("/"), requester_pays)
    if parts.scheme in {"https", "http"} and parts.netloc:
        return WebFile(url)
    raise InputError(f"{url}: cannot be read; give a path, s3://bucket/key or https://host/path")
