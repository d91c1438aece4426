"""Write docs/settings.md from the settings' own types and docstrings.

python docs/settings_table.py > docs/settings.md
"""

import ast
import inspect
import textwrap
import types
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from evoflow.settings import Settings

_ITEMS: dict[Any, str] = {tuple: "[]", dict: ".NAME"}
"""How one item of a list or a mapping is written in a key."""

_CONTAINERS: dict[Any, str] = {Annotated: "{0}", tuple: "list of {0}", dict: "mapping to {1}"}
_PLAIN = {bool: "`true`, `false`", str: "text", int: "whole number", float: "number"}


def markdown() -> str:
    """Write one Markdown row per setting: its key, its type, its default and what it means."""
    rows = ["# Settings", "", "| setting | type | default | meaning |", "|---|---|---|---|"]
    rows += [
        f"| `{key}` | {kind} | {default} | {text} |" for key, kind, default, text in _rows(Settings)
    ]
    return "\n".join(rows)


def _rows(kind: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, ...]]:
    meanings = _meanings(kind)
    for name, field in kind.model_fields.items():
        key = f"{prefix}{name}"
        section = _section(field.annotation)
        meaning = meanings.get(name, "")
        if meaning or section is None:
            yield key, _type(field.annotation), _default(field), meaning
        if section is not None:
            yield from _rows(section, f"{key}{_ITEMS.get(get_origin(field.annotation), '')}.")


def _meanings(kind: type[BaseModel]) -> dict[str, str]:
    """Read the docstrings under the fields of a settings type, as text of a Markdown cell."""
    bases = [base for base in kind.__mro__ if base is not BaseModel and issubclass(base, BaseModel)]
    found = {}
    for base in reversed(bases):
        (parsed,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        for field, below in pairwise(parsed.body):
            match field, below:
                case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(text))):
                    found[name] = " ".join(text.split()).replace("|", "\\|")
    return found


def _section(annotation: Any) -> type[BaseModel] | None:
    """Find the settings type inside an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_section, get_args(annotation))), None)


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(_type(part) for part in arguments if part is not type(None))
    if origin in _CONTAINERS:
        return (
            _CONTAINERS[origin]
            .format(*map(_type, arguments))
            .replace("list of section", "list of sections")
            .replace("list of number", "list of numbers")
        )
    return "anything" if annotation is Any else _PLAIN.get(annotation, "section")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value in ((), {}):
        return "-"
    if isinstance(value, BaseModel):
        value = value.model_dump()
    plain = list(value) if isinstance(value, tuple) else value
    return f"`{yaml.safe_dump(plain, default_flow_style=True).splitlines()[0]}`"


if __name__ == "__main__":
    print(markdown())
