"""Where files are: paths and URLs as they stand in settings."""

import re
from typing import Annotated

from pydantic import AfterValidator

from evoflow.errors import InputError
from evoflow.files.home import expand_home
from evoflow.secrets import conceal, expand

_REMOTE = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def is_remote(location: str) -> bool:
    """Whether a location is a URL rather than a path."""
    return bool(_REMOTE.match(location if location[:2] != "${" else expand(location)))


def check_location(location: str) -> str:
    """Check a location as it stands in settings, and take its secrets out.

    A path becomes absolute; one with a `${VARIABLE}` keeps its text until it is opened (`resolve`).
    """
    text = conceal(location)
    resolved = resolve(text)
    return text if "${" in text else resolved


def resolve(location: str) -> str:
    """Expand `${VARIABLE}` and `~`, and make a path absolute; needed before a file is opened.

    Of a URL only the scheme changes, to lower case.

    Raises
    ------
    ValueError
        When the environment lacks a variable, nothing is left, or there is no home folder.
    """
    expanded = expand(location)
    if not expanded:
        raise ValueError("is empty; name a file")
    try:
        if is_remote(expanded):
            return _REMOTE.sub(lambda scheme: scheme[0].lower(), expanded)
        return str(expand_home(expanded).absolute())
    except InputError as error:
        raise ValueError(str(error)) from error


def split_s3(url: str) -> tuple[str, str] | None:
    """Split `s3://bucket/key` into bucket and key; None for any other URL.

    A key may hold `?` and `#`, which have no other meaning here.
    """
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return (bucket, key) if url.startswith("s3://") else None


def split_query(url: str) -> tuple[str, str]:
    """Split a URL before its query or fragment, of which `s3://` has none."""
    if resolve(url).startswith("s3://"):
        return url, ""
    plain = re.split("[?#]", url)[0]
    return plain, url[len(plain) :]


Location = Annotated[str, AfterValidator(check_location)]
