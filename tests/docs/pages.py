"""The README and the pages of docs/: their links, and the commands in their code blocks."""

import re

from tests.conftest import ROOT

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])

NOT_RUN = {
    "pytest ": "runs these tests",
    "make ": "installs packages or takes minutes; its targets are looked up",
    ".ci/run": "runs all of these tests",
    "source ": "puts the commands on the path; here they are",
    "curl ": "fetches 1 GB",
    "base=": "part of the same download",
    "export METAFLOW": "needs a metadata service",
    "python docs/settings_table.py": "test_settings_table.py compares its output",
    "python flows/evo_flow.py --config compute config/compute/": "needs a cloud",
    "python flows/evo_flow.py --config model config/model/": "downloads weights",
    "python flows/evo_flow.py card ": "opens a browser or serves until it is stopped",
    "python flows/evo_flow.py run": "test_resume.py runs and resumes",
    "python flows/evo_flow.py spin": "needs a run",
    "python flows/evo_flow.py resume": "test_resume.py runs and resumes",
    "evoflow embed config/model/": "downloads weights",
    "evoflow convert ": "needs published weights",
    "evoflow --help": "prints help, which tests/cli reads",
    "pip install ": "installs packages",
    "docker ": "needs docker",
    "jupyter ": "opens a browser",
    "python tests/benchmarks/accept_weights.py": "needs published weights",
}
"""How commands begin that the tests do not run, and why."""


def blocks(language):
    """Every code block of a language, with the page's name."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            yield page.name, found


def commands():
    """Every command line of the shell blocks, once, in order, without its comment."""
    seen = {}
    for _, block in blocks("bash"):
        joined = block.replace("\\\n", " ")
        for line in joined.splitlines():
            command = re.sub(r"\s+#.*$", "", line).strip()
            if command and not command.startswith("#"):
                seen[command] = None
    return list(seen)


def is_run(command):
    return not command.startswith(tuple(NOT_RUN))
