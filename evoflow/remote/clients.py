"""Bytes of files on S3 and on web servers: how large a file is, and any stretch of it."""

import re

from evoflow.errors import InputError
from evoflow.remote.answers import Source
from evoflow.remote.s3 import S3Object
from evoflow.remote.web import WebFile
from evoflow.settings import resolve, split_s3

_PUBLIC = {"gs": "https://storage.googleapis.com/", "ftp": "https://"}
"""Where what is public can be read: the FTP servers of NCBI, EBI and Ensembl know HTTPS too."""


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
        url = resolve(url)
    except ValueError as error:
        raise InputError(str(error)) from error
    bucket, key = split_s3(url) or ("", "")
    if bucket and key.strip("/"):
        return S3Object(url, bucket, key, requester_pays)
    if re.match(r"https?://[^/?#]", url):
        return WebFile(url)
    scheme, _, place = url.partition("://")
    public = f" (if it is public: {_PUBLIC[scheme]}{place})" if scheme in _PUBLIC else ""
    raise InputError(
        f"{url}: cannot be read; give a path, s3://bucket/key or https://host/path{public}"
    )
