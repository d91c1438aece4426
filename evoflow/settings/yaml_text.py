"""YAML as settings need it: a key stands once, `17:43` is text, and nothing refers to elsewhere."""

import codecs
import re
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node

from evoflow.errors import InputError

_OTHER_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
"""What files in other encodings begin with; UTF-32's first, which begins as UTF-16's does."""

_BASE_60 = re.compile(r"^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$")


class _Loader(yaml.SafeLoader):
    """The safe loader without what surprises people."""

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise InputError(
                f"line {mark.line + 1}: a reference (*name) is not allowed; write the value again"
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[str, int] = {}
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                line = key_node.start_mark.line + 1
                raise InputError(f"line {line}: << is not allowed; write the keys themselves")
            key, line = self.construct_object(key_node, deep=True), key_node.start_mark.line + 1
            if not isinstance(key, str):
                raise InputError(
                    f"line {line}: the key {key_node.value!r} is not text; put it in quotes"
                )
            if key in seen:
                raise InputError(
                    f"line {line}: {key} is already set in line {seen[key]}; remove one of them"
                )
            seen[key] = line
        return super().construct_mapping(node, deep)

    def construct_object(self, node: Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            raise InputError(
                f"line {node.start_mark.line + 1}: {str(node.value)[:20]!r} is not a valid number "
                "or date; put text in quotes"
            ) from error

    def construct_number(self, node: yaml.ScalarNode) -> Any:
        """Keep `17:43` as text, which YAML 1.1 reads as a number in base 60."""
        if _BASE_60.match(node.value):
            return self.construct_scalar(node)
        if node.tag == "tag:yaml.org,2002:int":
            return self.construct_yaml_int(node)
        return self.construct_yaml_float(node)


for _kind in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _Loader.construct_number)


def decode(content: bytes) -> str:
    """Read the text of a YAML file, which is UTF-8 with or without a byte order mark.

    Raises
    ------
    InputError
        When it is in another encoding, with the line and the byte.
    """
    for mark, encoding in _OTHER_MARKS.items():
        if content.startswith(mark):
            raise InputError(f"is {encoding} text; save it as UTF-8")
    if b"\0" in content:
        raise InputError("is not text, or UTF-16 text; save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before, byte = content[: error.start], content[error.start]
        line = before.count(b"\n") + 1
        raise InputError(
            f"line {line}: the byte 0x{byte:02X} is not UTF-8 (in Latin-1 it is "
            f"{chr(byte)!r}); save the file as UTF-8"
        ) from error


def parse(text: str) -> Any:
    """Read one YAML document.

    Raises
    ------
    InputError
        When it is not valid, with the line and what to do.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a safe loader
    except RecursionError:
        raise InputError("not valid settings: it is nested too deeply") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InputError(
            f"not valid YAML in line {line}: the character U+{error.character:04X} is not allowed"
        ) from error
    except yaml.MarkedYAMLError as error:
        where = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        hint = "; use spaces, not tabs" if r"'\t'" in str(error.problem) else ""
        raise InputError(f"not valid YAML{where}: {error.problem}{hint}") from error
