"""Commands that read a run."""

import os
from errno import ENOSPC
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from evoflow import runs
from evoflow.cli import main
from evoflow.predict import explain


@pytest.fixture
def asked(monkeypatch):
    """The runs and alleles that a command asks for, instead of real ones."""
    asked = []

    def found(name):
        asked.append(name)
        return SimpleNamespace(pathspec=f"EvoFlow/{name}")

    monkeypatch.setattr(runs, "find_run", found)
    monkeypatch.setattr(runs, "report_html", lambda run: f"report of {run.pathspec} \u00e4")
    monkeypatch.setattr(
        explain, "page_of_allele", lambda run, allele: f"{allele} in {run.pathspec}"
    )
    return asked


@pytest.mark.parametrize(
    ("more", "page"),
    [
        ([], "report of EvoFlow/12 \u00e4"),
        (["--allele", "chr1:5:A:T"], "chr1:5:A:T in EvoFlow/12"),
    ],
)
def test_the_page_of_a_run_or_of_one_of_its_alleles_is_written(asked, tmp_path, more, page):
    output = tmp_path / "page.html"
    done = CliRunner().invoke(main, ["report", "12", "--output", str(output), *more])
    assert done.exit_code == 0, done.output
    assert output.read_text(encoding="utf-8") == page
    assert asked == ["12"]
    assert f"the report of EvoFlow/12 is in {output}" in done.output


@pytest.mark.usefixtures("asked")
def test_a_page_that_does_not_fit_on_the_disk_costs_not_the_one_before(tmp_path, monkeypatch):
    def write(path, *_, **__):
        raise OSError(ENOSPC, os.strerror(ENOSPC), str(path))

    output = tmp_path / "page.html"
    output.write_text("before")
    monkeypatch.setattr(Path, "write_text", write)
    done = CliRunner().invoke(main, ["report", "12", "--output", str(output), "--force"])
    assert done.exit_code == 1
    assert f"{output}: cannot be written (No space left on device)" in done.output
    assert output.read_text() == "before"


@pytest.mark.parametrize("command", ["report", "export"])
def test_no_run_is_looked_for_where_the_output_is_in_the_way(asked, tmp_path, command):
    (tmp_path / "page.html").write_text("mine")
    where = tmp_path / "page.html" if command == "report" else tmp_path
    done = CliRunner().invoke(main, [command, "12", "--output", str(where)])
    assert done.exit_code == 1
    assert "--force" in done.output
    assert asked == []
    assert (tmp_path / "page.html").read_text() == "mine"
