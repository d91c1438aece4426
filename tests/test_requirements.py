"""What pyproject.toml allows, against what is locked and installed for the tests."""

import tomllib
from importlib.metadata import version

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def locked(name):
    """Requirements of a lock file by name."""
    lines = (ROOT / name).read_text().split("\n")
    found = [Requirement(line) for line in lines if line and not line.startswith("-r")]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def ranges(lines):
    found = [Requirement(line) for line in lines]
    return {canonicalize_name(requirement.name): requirement.specifier for requirement in found}


@pytest.mark.parametrize(
    ("lock", "allowed"),
    [
        ("requirements.txt", ranges(PROJECT["dependencies"])),
        ("requirements-dev.txt", ranges(EXTRAS["kubernetes"] + EXTRAS["dev"][1:])),
    ],
)
def test_the_lock_is_exact_and_within_the_ranges(lock, allowed):
    found = locked(lock)
    assert found.keys() == allowed.keys()
    for name, requirement in found.items():
        (exact,) = requirement.specifier
        assert exact.operator == "=="
        assert allowed[name].contains(exact.version), name


def test_ranges_end_somewhere():
    for specifier in (ranges(PROJECT["dependencies"]) | ranges(EXTRAS["kubernetes"])).values():
        assert {clause.operator for clause in specifier} == {">=", "<"}


def test_the_tests_run_with_what_is_locked():
    for name, requirement in locked("requirements.txt").items():
        assert requirement.specifier.contains(version(name).partition("+")[0]), name
