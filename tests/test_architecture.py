"""What imports what: no circles, and no arrow from an earlier room to a later one."""

import ast
from collections import Counter, defaultdict
from graphlib import TopologicalSorter

import pytest

from tests.conftest import ROOT

ROOMS = [
    "files", "settings", "devices", "remote", "inputs", "extract", "labels", "augment", "embed",
    "demo", "train", "report", "predict", "cli",
]  # fmt: skip
"""Each may import those before it."""

LARGEST_ROOM = 12


def modules():
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted((ROOT / "evoflow").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


@pytest.fixture(scope="module")
def imports():
    """What each module imports of the package, in function bodies too."""
    known = modules()
    found = defaultdict(set)
    for name, path in known.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("evoflow"):
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    found[name].add(whole if whole in known else node.module)
            elif isinstance(node, ast.Import):
                found[name] |= {a.name for a in node.names if a.name.startswith("evoflow")}
        found[name].discard(name)
    assert sum(map(len, found.values())) > 200  # else nothing was looked at
    return found


def test_no_module_imports_itself_in_a_circle(imports):
    list(TopologicalSorter(imports).static_order())  # raises CycleError, which names the circle


def test_no_room_imports_a_later_one(imports):
    def room(name):
        parts = name.split(".")
        return ROOMS.index(parts[1]) if len(parts) > 1 and parts[1] in ROOMS else None

    backwards = [
        f"{name} imports {other}"
        for name, others in imports.items()
        for other in others
        if None not in (room(name), room(other)) and room(name) < room(other)
    ]
    assert not backwards


def test_every_folder_is_a_room_that_is_named_here():
    folders = {path.parent.name for path in (ROOT / "evoflow").glob("*/__init__.py")}
    assert folders == set(ROOMS)


def test_no_room_has_more_than_a_dozen_files():
    files = [path for path in modules().values() if path.name != "__init__.py"]
    sizes = Counter(str(path.parent.relative_to(ROOT)) for path in files)
    assert not {folder: n for folder, n in sizes.items() if n > LARGEST_ROOM}


TESTED_ELSEWHERE = {
    "evoflow.__main__": "it calls `cli.main`",
}
"""Modules without a test file of their name, and why; packages' `__init__` need none."""


def test_every_module_has_a_test_file_of_its_name():
    def test_of(path):
        below = path.relative_to(ROOT / "evoflow")
        return ROOT / "tests" / below.parent / f"test_{below.name}"

    named = {name: path for name, path in modules().items() if path.name != "__init__.py"}
    without = {name for name, path in named.items() if not test_of(path).is_file()}
    assert without == set(TESTED_ELSEWHERE)
