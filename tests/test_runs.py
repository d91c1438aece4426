import os
import subprocess
import sys
from pathlib import Path

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
    assert runs.find_run(int(run_id)).pathspec == run.pathspec


def test_an_unknown_run_is_an_error_that_names_the_ones_there_are(run_id):
    with pytest.raises(InputError, match=rf"'7' is not in .*newest are.*EvoFlow/{run_id}"):
        runs.find_run("7")


@pytest.mark.parametrize("name", ["", "EvoFlow/"])
def test_a_run_without_a_number_is_refused(name):
    with pytest.raises(InputError, match="has no number; give EvoFlow/123, 123 or latest"):
        runs.find_run(name)


def test_a_run_is_found_after_another_was_looked_for_in_other_folders(
    run_id, tmp_path, monkeypatch
):
    (tmp_path / ".metaflow").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=rf"nor in {tmp_path}/.metaflow"):
        runs.find_run("7")
    assert runs.find_run(run_id).pathspec == f"EvoFlow/{run_id}"


def found_from(folder, name, **variables):
    """What another process finds: Metaflow reads its variables once."""
    command = (
        f"from evoflow import runs; print(runs.artifact(runs.find_run({name!r}), 'end', 'report'))"
    )
    left = {key: value for key, value in os.environ.items() if not key.startswith("METAFLOW_DATA")}
    own = {"PYTHONPATH": str(ROOT), "METAFLOW_SERVICE_RETRY_COUNT": "1"}  # else it asks for 15 s
    return subprocess.run(
        [sys.executable, "-c", command], env=left | own | variables,
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_run_is_found_whatever_the_variables_are(run_id, tmp_path):
    inside = Path(os.environ["METAFLOW_DATASTORE_SYSROOT_LOCAL"], "a", "b")
    inside.mkdir(parents=True, exist_ok=True)
    for variables in (
        {},
        {"METAFLOW_DEFAULT_DATASTORE": "s3"},
        {"METAFLOW_DATASTORE_SYSROOT_LOCAL": str(tmp_path)},
        {"METAFLOW_DEFAULT_METADATA": "service", "METAFLOW_SERVICE_URL": "http://127.0.0.1:9"},
    ):
        done = found_from(inside, run_id, **variables)
        assert "The report of this run" in done.stdout, done.stderr


@pytest.mark.usefixtures("run_id")
def test_the_latest_run_is_looked_for_in_the_named_place_alone(tmp_path):
    inside = os.environ["METAFLOW_DATASTORE_SYSROOT_LOCAL"]
    assert "The report of this run" in found_from(inside, "latest").stdout
    named = found_from(inside, "latest", METAFLOW_DATASTORE_SYSROOT_LOCAL=str(tmp_path))
    assert f"({tmp_path}" in named.stderr
    url = "http://127.0.0.1:9"
    service = {"METAFLOW_DEFAULT_METADATA": "service", "METAFLOW_SERVICE_URL": url}
    away = found_from(inside, "latest", **service)
    assert f"service metadata ({url}), which does not answer" in away.stderr


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
