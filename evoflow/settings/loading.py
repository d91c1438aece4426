"""Settings from YAML: every problem of all three configs is reported together."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from evoflow.errors import InputError
from evoflow.secrets import conceal, conceal_variables
from evoflow.settings import yaml_text
from evoflow.settings.compute import ComputeSettings
from evoflow.settings.data import DataSettings
from evoflow.settings.model import ModelSettings
from evoflow.settings.types import Section

Config = TypeVar("Config", bound=BaseModel)


_TYPE_NAME = re.compile(r"^(?:constrained-|literal\[|function-|list\[|tuple\[|dict\[|is-instance)")

CONFIGS: dict[str, type[BaseModel]] = {
    "data": DataSettings,
    "model": ModelSettings,
    "compute": ComputeSettings,
}
"""The settings' type of each config."""


class Settings(Section):
    """All settings of a run."""

    data: DataSettings
    model: ModelSettings
    compute: ComputeSettings


def parse_yaml(text: str) -> dict[str, Any]:
    """Read a YAML mapping; an empty document is an empty mapping."""
    document = yaml_text.parse(text)
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise InputError(f"must be a mapping of settings, not {type(document).__name__}")
    return dict(_concealed(document))


def _concealed(value: Any) -> Any:
    """Take the secrets out of every text of a document, before anybody stores it."""
    if isinstance(value, dict):
        found = {key: _concealed(child) for key, child in value.items()}
        if isinstance(found.get("environment"), dict):
            found["environment"] = conceal_variables(found["environment"])
        return found
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
        told: dict[str, list[str]] = {}
        for detail in error.errors():
            key, problem = _explain(kind, name, detail)
            told.setdefault(key, []).append(problem)
        raise InputError(
            f"{key}: {'; or: '.join(dict.fromkeys(problems))}" for key, problems in told.items()
        ) from error


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
        return parse_yaml(yaml_text.decode(path.read_bytes()))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; name a YAML file of settings") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _explain(kind: type[BaseModel], name: str, detail: ErrorDetails) -> tuple[str, str]:
    """Name the key of one validation error, and say what is wrong with its value."""
    key = ""
    for part in detail["loc"]:
        if isinstance(part, int):
            key += f"[{part}]"
        elif not _is_union_member(part):
            key += f".{part}"
    key = ": ".join(part for part in (name, key[1:]) if part)
    if detail["type"] == "extra_forbidden":
        return key, f"unknown key{_hint(kind, name, detail)}"
    if detail["type"] in {"tuple_type", "list_type"}:
        return key, f"must be a list, such as [{detail['input']}]"
    if detail["type"] == "dict_type":
        return key, "must be a mapping, such as {NAME: VALUE}"
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "model_type":
        message = f"must be a section with the keys {', '.join(_keys_of(detail))}"
    given = detail["input"]
    if detail["type"] == "string_type" and not isinstance(given, list | dict | None):
        message = "must be text; put it in quotes"
    if isinstance(given, str | int | float | bool) or given is None:
        message += f" (it is {given!r})"
    return key, message


def _keys_of(detail: ErrorDetails) -> list[str]:
    """List the keys of the section that a value should have been."""
    named = detail["ctx"]["class_name"]
    return next(list(one.model_fields) for one in _sections() if one.__name__ == named)


def _sections(kind: type[Section] = Section) -> Iterator[type[Section]]:
    """Every type of section."""
    for each in kind.__subclasses__():
        yield each
        yield from _sections(each)


def _is_union_member(part: str) -> bool:
    """Whether a part of an error's place is pydantic's name for one type among several."""
    sections = {section.__name__ for section in _sections()}
    return part in {"int", "str", "float", "bool", *sections} or bool(_TYPE_NAME.match(part))


def _hint(kind: type[BaseModel], name: str, detail: ErrorDetails) -> str:
    """Say what an unknown key may have been meant as."""
    unknown = str(detail["loc"][-1])
    own = kind if name or len(detail["loc"]) < 2 else CONFIGS.get(str(detail["loc"][0]), kind)
    for config, other in CONFIGS.items():
        if other is not own and len(detail["loc"]) <= 2 and unknown in other.model_fields:
            return f": this is a {config} setting, give it in the file of `--config {config}`"
    # The same name in another section is no hint.
    alike = get_close_matches(unknown, set(_known_keys(kind)) - {unknown}, n=1)
    return f"; did you mean {alike[0]!r}?" if alike else ""


def _known_keys(kind: type[BaseModel]) -> list[str]:
    """Every key of a config and of its sections."""
    known = list(kind.model_fields)
    for field in kind.model_fields.values():
        for section in (field.annotation, *get_args(field.annotation)):
            if isinstance(section, type) and issubclass(section, BaseModel):
                known += _known_keys(section)
    return known
