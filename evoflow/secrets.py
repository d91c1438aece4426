"""Secrets in URLs and variables: kept in the environment alone, and never shown.

Settings are stored with a run, shown in its cards and passed on with its report. So they hold the
text as the user wrote it, `${VARIABLE}` included, and what a URL says of its user, its password and
its query is moved to a variable too (`conceal`). Text becomes a real address only where a file is
opened (`expand`). Messages are cleaned where they are made (`redact`).
"""

import re
from collections.abc import Callable, Mapping
from os import environ
from typing import Any
from urllib.parse import quote

PREFIX = "EVOFLOW_SECRET_"
"""Of the variables that hold what a URL in the settings gave in clear."""

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_OURS = re.compile(r"\$\{" + PREFIX + r"\d+\}")
_ADDRESS = re.compile(r"(?P<scheme>\b[a-zA-Z][\w+.-]*://)(?P<user>[^/?#\s]*@)?(?P<rest>\S*)")
_QUERY_VALUE = re.compile(r"(?<=[?&;])([^=&;\s]*=)([^&;#\s]+?)(?=[:,.)'\"\]]*(?:[&;#]|$))")
_SECRET_NAME = re.compile("TOKEN|SECRET|PASSW|CREDENTIAL|KEY", re.IGNORECASE)
_HIDDEN = "REDACTED"  # letters: Metaflow takes asterisks out of what it prints
_SHORTEST = 4
"""Characters of a value below which a message would be cleaned of its own words."""

_expanded: dict[str, str] = {}
"""What variables stood for when they were expanded in this process, and their `${NAME}`."""


def conceal(text: str) -> str:
    """Replace the user, the password and the query's values of a URL by `${EVOFLOW_SECRET_n}`.

    The values are put into the environment, which the processes that are started later inherit.
    Text that is no URL, and parts that are variables already, come back as they are.
    """
    return _in_addresses(text, _to_variable)


def conceal_variables(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Replace the values of variables whose names say that they are secret, such as `HF_TOKEN`."""
    return {
        name: _to_variable(value) if isinstance(value, str) and _SECRET_NAME.search(name) else value
        for name, value in environment.items()
    }


def expand(text: str) -> str:
    """Replace each `${VARIABLE}` by its value.

    Raises
    ------
    ValueError
        When the environment lacks one.
    """
    missing = sorted({name for name in _VARIABLE.findall(text) if name not in environ})
    if missing:
        why = (
            "; secrets of the settings stay where the run began: set the variables again to resume "
            "it, or write ${VARIABLE} in their place and give it to remote steps with "
            "compute.secrets"
        )
        hint = why if any(name.startswith(PREFIX) for name in missing) else ""
        raise ValueError(
            f"{redact(text)!r} uses {', '.join(missing)}, which is not set in the environment{hint}"
        )
    for name in _VARIABLE.findall(text):
        _expanded[environ[name]] = f"${{{name}}}"
    return _VARIABLE.sub(lambda match: environ[match[1]], text)


def redact(text: str) -> str:
    """Clean text for display: no user or query value of a URL, and variables by their name."""
    known = {environ[name]: _HIDDEN for name in environ if name.startswith(PREFIX)}
    for value, shown in sorted((_expanded | known).items(), key=lambda item: -len(item[0])):
        for spelled in {value, quote(value, safe="")}:
            if len(spelled) >= _SHORTEST:
                edge = r"(?!\w)" if spelled.startswith("/") else ""
                text = shown.join(re.split(re.escape(spelled) + edge, text))
    text = _OURS.sub(_HIDDEN, text)
    return _in_addresses(text, lambda value: value if _is_variable(value) else _HIDDEN)


def _in_addresses(text: str, replace: Callable[[str], str]) -> str:
    def clean(match: re.Match[str]) -> str:
        user = match["user"] or ""
        if user:
            user = ":".join(replace(part) if part else "" for part in user[:-1].split(":")) + "@"
        rest = match["rest"]
        if match["scheme"].lower() != "s3://":  # a key may hold `?` and `&`
            rest = _QUERY_VALUE.sub(lambda value: value[1] + replace(value[2]), rest)
        return match["scheme"] + user + rest

    return _ADDRESS.sub(clean, text)


def _is_variable(text: str) -> bool:
    return bool(_VARIABLE.fullmatch(text)) or text == _HIDDEN


def _to_variable(value: str) -> str:
    """Put a value into the environment, once, and name its variable."""
    if _is_variable(value):
        return value
    try:
        clear = expand(value)
    except ValueError:  # said when the settings are checked
        return value
    kept = {environ[name]: name for name in environ if name.startswith(PREFIX)}
    name = kept.get(clear) or f"{PREFIX}{len(kept) + 1}"
    environ[name] = clear
    return f"${{{name}}}"
