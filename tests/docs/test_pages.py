import re

import pytest

from tests.conftest import ROOT
from tests.docs.pages import NOT_RUN, PAGES, commands

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def anchors(page):
    """What a `#fragment` may be, as GitHub makes it of headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        path, _, fragment = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert not fragment or fragment in anchors(there), target


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150


def test_every_page_is_named_in_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert f"docs/{page.name}" in readme


def test_every_target_of_make_is_there():
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = {word for line in commands() if line.startswith("make") for word in line.split()[1:]}
    assert named <= set(targets)


def test_configs_that_commands_name_are_there():
    for command in commands():
        for path in re.findall(r"config/\w+/[\w.-]+\.yaml", command):
            assert (ROOT / path).is_file(), command


def test_no_exception_from_running_is_stale():
    for beginning in NOT_RUN:
        if not beginning.startswith(("pip", "docker", "jupyter", "evoflow convert", ".ci")):
            assert any(command.startswith(beginning) for command in commands()), beginning
