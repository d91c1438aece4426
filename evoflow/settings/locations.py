"""Where files are: paths and URLs as they stand in settings."""

import re
from os import environ
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

_REMOTE = re.compile(r"^[a-z][a-z0-9+.-]*://")
_VARIABLE = re.compile(r"\$\{(\w+)\}")


def is_remote(location: str) -> bool:
    """Whether a location is a URL rather than a path."""
    return bool(_REMOTE.match(location))


def resolve_location(location: str) -> str:
    """Expand `${VARIABLE}` and `~`, and make a path absolute; URLs keep their form."""
    missing = sorted({name for name in _VARIABLE.findall(location) if name not in environ})
    if missing:
        raise ValueError(f"{location!r} uses {', '.join(missing)}, which the environment lacks")
    expanded = _VARIABLE.sub(lambda match: environ[match[1]], location)
    if not expanded:
        raise ValueError("is empty; name a file")
    return expanded if is_remote(expanded) else str(Path(expanded).expanduser().absolute())


Location = Annotated[str, AfterValidator(resolve_location)]
