import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from evoflow import runs
from evoflow.__main__ import main
from evoflow.errors import InputError
from tests.conftest import ROOT

FLOW = """
from metaflow import FlowSpec, step


class EvoFlow(FlowSpec):
    @step
    def start(self):
        self.answer = 42
        self.next(self.end)

    @step
    def end(self):
        self.report = "<!DOCTYPE html><title>The report of this run</title>"


if __name__ == "__main__":
    EvoFlow()
"""


@pytest.fixture(scope="module")
def run_id(tmp_path_factory):
    """A finished run of a flow of two steps, with a report at its end."""
    folder = tmp_path_factory.mktemp("flow")
    (folder / "flow.py").write_text(FLOW)
    number = folder / "run"
    subprocess.run(
        [sys.executable, str(folder / "flow.py"), "run", "--run-id-file", str(number)],
        cwd=os.environ["METAFLOW_DATASTORE_SYSROOT_LOCAL"],
        check=True,
        capture_output=True,
    )
    return number.read_text()


@pytest.mark.parametrize("name", ["{}", "EvoFlow/{}", "latest"])
def test_a_run_is_found_by_each_of_its_names(run_id, name):
    run = runs.find_run(name.format(run_id))
    assert run.pathspec == f"EvoFlow/{run_id}"
    assert runs.artifact(run, "start", "answer") == 42


def test_an_unknown_run_is_an_error_that_names_the_ones_there_are(run_id):
    with pytest.raises(InputError, match=rf"'7' is not in .*newest are.*EvoFlow/{run_id}"):
        runs.find_run("7")


def test_what_another_version_wrote_is_an_input_error(run_id, monkeypatch):
    run = runs.find_run(run_id)

    class Moved:
        @property
        def data(self):
            raise ModuleNotFoundError("No module named 'evoflow.extract.taking'")

    left = {"start": type("Step", (), {"task": {"examples": Moved()}})}
    monkeypatch.setattr(type(run), "__getitem__", lambda _, step: left[step])
    with pytest.raises(InputError, match=r"examples was written by another version .*taking"):
        runs.artifact(run, "start", "examples")


def test_a_step_that_did_not_run_is_an_input_error(run_id):
    with pytest.raises(InputError, match="has not finished train"):
        runs.artifact(runs.find_run(run_id), "train", "head")


def test_the_report_is_written_to_a_file(run_id, tmp_path):
    output = tmp_path / "report.html"
    result = CliRunner().invoke(main, ["report", run_id, "--output", str(output)])
    assert result.exit_code == 0, result.output
    assert "The report of this run" in output.read_text()


def test_a_folder_without_runs_is_named(tmp_path):
    command = "from evoflow import runs; runs.find_run('latest')"
    folder = {"METAFLOW_DATASTORE_SYSROOT_LOCAL": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", command], env=os.environ | folder | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert f"run 'latest' is not in Metaflow's local metadata ({tmp_path}" in done.stderr


def test_a_report_that_cannot_be_written_is_a_message(run_id, tmp_path):
    result = CliRunner().invoke(main, ["report", run_id, "--output", str(tmp_path / "no" / "r")])
    assert result.exit_code == 1
    assert "no/r" in result.output
    assert "Traceback" not in result.output
