"""YAML as settings need it: a key stands once, `17:43` is text, and nothing refers to elsewhere."""

import re
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node

from evoflow.errors import InputError

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
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            key, line = self.construct_object(key_node, deep=True), key_node.start_mark.line + 1
            if isinstance(key, str) and key in seen:
                raise InputError(
                    f"line {line}: {key} is already set in line {seen[key]}; remove one of them"
                )
            seen[str(key)] = line
        return super().construct_mapping(node, deep)

    def construct_number(self, node: yaml.ScalarNode) -> Any:
        """Keep `17:43` as text, which YAML 1.1 reads as a number in base 60."""
        if _BASE_60.match(node.value):
            return self.construct_scalar(node)
        if node.tag == "tag:yaml.org,2002:int":
            return self.construct_yaml_int(node)
        return self.construct_yaml_float(node)


for _kind in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _Loader.construct_number)


def parse(text: str) -> Any:
    """Read one YAML document.

    Raises
    ------
    InputError
        When it is not valid, with the line and what to do.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        where = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        hint = "; indent with spaces, not tabs" if r"'\t'" in str(error.problem) else ""
        raise InputError(f"not valid YAML{where}: {error.problem}{hint}") from error
    except yaml.YAMLError as error:
        raise InputError(f"not valid YAML: {error}") from error
