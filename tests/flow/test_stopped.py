"""A run that is told to stop."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.flow.conftest import write_configs
from tests.flow.test_resume import KillableRun

pytestmark = pytest.mark.slow


def has_ended(pid):
    """Whether a process is gone, or dead and only not yet buried."""
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_run_that_is_told_to_end_stops_its_tasks_and_says_how_to_go_on(tmp_path):
    configs = write_configs(tmp_path)
    environment = {"METAFLOW_DATASTORE_SYSROOT_LOCAL": str(tmp_path)}
    run = KillableRun(["run", "--run-id-file", "run-id"], tmp_path, environment, **configs)
    task = run.wait_for_start("extract")
    os.kill(run.process.pid, signal.SIGTERM)
    assert run.wait() != 0
    for _ in range(100):  # it notices within seconds that its run is gone
        if has_ended(task):
            break
        time.sleep(0.1)
    assert has_ended(task)
    assert "Traceback" not in run.output
    run_id = (tmp_path / "run-id").read_text()
    assert f"resume --origin-run-id {run_id} --run-id-file run-id" in run.output
