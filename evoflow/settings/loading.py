"""Settings from YAML: every problem of all three configs is reported together."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from evoflow.errors import InputError
from evoflow.secrets import conceal
from evoflow.settings.compute import ComputeSettings
from evoflow.settings.data import DataSettings
from evoflow.settings.model import ModelSettings
from evoflow.settings.types import Section

Config = TypeVar("Config", bound=BaseModel)


class Settings(Section):
    """All settings of a run."""

    data: DataSettings
    model: ModelSettings
    compute: ComputeSettings


def parse_yaml(text: str) -> dict[str, Any]:
    """Read a YAML mapping; an empty document is an empty mapping."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"not valid YAML: {error}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise InputError(f"must be a mapping of settings, not {type(document).__name__}")
    return {key: _concealed(value) for key, value in document.items()}


def _concealed(value: Any) -> Any:
    """Take the secrets out of every text of a document, before anybody stores it."""
    if isinstance(value, dict):
        return {key: _concealed(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_concealed(child) for child in value]
    return conceal(value) if isinstance(value, str) else value


def load(kind: type[Config], raw: Mapping[str, Any], name: str = "") -> Config:
    """Validate raw settings.

    Parameters
    ----------
    kind
        The settings' type.
    raw
        The parsed YAML.
    name
        What messages put before each key, such as the file.

    Raises
    ------
    InputError
        With one problem per wrong key.
    """
    try:
        return kind.model_validate(dict(raw))
    except ValidationError as error:
        problems = [_explain(kind, name, detail) for detail in error.errors()]
        raise InputError(problems) from error


def load_settings(
    data: Mapping[str, Any], model: Mapping[str, Any], compute: Mapping[str, Any]
) -> Settings:
    """Validate the three configs and report the problems of all of them together."""
    return load(Settings, {"data": data, "model": model, "compute": compute})


def read_data_settings(path: Path) -> DataSettings:
    """Read a data YAML, as the commands that need no flow do."""
    return load(DataSettings, read_yaml(path), str(path))


def read_model_settings(path: Path) -> ModelSettings:
    """Read a model YAML, as the commands that need no flow do."""
    return load(ModelSettings, read_yaml(path), str(path))


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file; every problem names it."""
    try:
        return parse_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; name a YAML file of settings") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _explain(kind: type[BaseModel], name: str, detail: ErrorDetails) -> str:
    """One sentence for one validation error: the key, what is wrong with its value."""
    key = ""
    for part in detail["loc"]:
        key += f"[{part}]" if isinstance(part, int) else f".{part}"
    key = ": ".join(part for part in (name, key[1:]) if part)
    if detail["type"] == "extra_forbidden":
        unknown = str(detail["loc"][-1])
        alike = get_close_matches(unknown, _known_keys(kind), n=1)
        return f"{key}: unknown key" + (f"; did you mean {alike[0]!r}?" if alike else "")
    message = detail["msg"].removeprefix("Value error, ")
    given = detail["input"]
    if isinstance(given, str | int | float | bool) or given is None:
        return f"{key}: {message} (it is {given!r})"
    return f"{key}: {message}"


def _known_keys(kind: type[BaseModel]) -> list[str]:
    """Every key of a config and of its sections."""
    known = list(kind.model_fields)
    for field in kind.model_fields.values():
        for section in (field.annotation, *get_args(field.annotation)):
            if isinstance(section, type) and issubclass(section, BaseModel):
                known += _known_keys(section)
    return known
