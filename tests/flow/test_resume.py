"""A run that is stopped, loses a task and then its machine, and is resumed each time."""

import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from evoflow import demo
from evoflow.settings import DataSettings, DemoSettings
from tests.flow.conftest import COMPARED, flow_command, results, write_configs

pytestmark = pytest.mark.slow
STARTED = re.compile(r"/(\w+)/\d+ \(pid (\d+)\)\] Task is starting")


class KillableRun:
    """The flow's process group, its output line by line, and who was started."""

    def __init__(self, arguments, folder, *, cache, **configs):
        identity = ["--run-id-file", "run-id", "--max-workers", "1"]
        self.folder = folder
        self.process = subprocess.Popen(
            flow_command([*arguments, *identity], **configs),
            cwd=folder,
            env=os.environ | environment(folder) | {"EVOFLOW_CACHE": str(folder / cache)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.output = ""

    def wait_for_start(self, step, times=1):
        """Read on until the step has started so often; the process id of its last task."""
        for line in self.process.stdout:
            self.output += line
            if (found := STARTED.search(line)) and found[1] == step:
                times -= 1
                if times == 0:
                    return int(found[2])
        raise AssertionError(f"{step} did not start:\n{self.output}")

    def kill_all(self):
        """End everything at once, as a power cut does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.wait()

    def wait(self):
        """Read the rest, and wait for the end."""
        self.output += self.process.stdout.read()
        self.process.stdout.close()
        self.status = self.process.wait()

    @property
    def started(self):
        return [step for step, _ in STARTED.findall(self.output)]

    def resume(self):
        """Go on with it where the cache is elsewhere."""
        origin = (self.folder / "run-id").read_text()
        return KillableRun(["resume", "--origin-run-id", origin], self.folder, cache="elsewhere")


def environment(folder):
    return {"METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder), "OMP_NUM_THREADS": "1"}


def has_ended(pid):
    """Whether a process is gone, or dead and only not yet buried."""
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run that is told to end during `extract`."""
    folder = tmp_path_factory.mktemp("resumed")
    made = Path(demo.prepare(DataSettings(demo=DemoSettings())).reference).parent
    shutil.copytree(made, folder / "cache" / made.name)
    run = KillableRun(["run"], folder, cache="cache", **write_configs(folder))
    run.task = run.wait_for_start("extract")
    os.kill(run.task, signal.SIGSTOP)  # a fast machine would end it before Metaflow does
    os.kill(run.process.pid, signal.SIGTERM)
    run.wait()
    with suppress(ProcessLookupError):  # a task that Metaflow has only just begun ends by itself
        os.kill(run.task, signal.SIGCONT)
    run.told_id = (folder / "run-id").read_text()
    return run


@pytest.fixture(scope="module")
def without_task(stopped):
    """Goes on where the demo's files are elsewhere, until the second task of `embed` is killed."""
    (stopped.folder / "cache").rename(stopped.folder / "elsewhere")
    run = stopped.resume()
    os.kill(run.wait_for_start("embed", times=2), signal.SIGKILL)
    run.wait()
    return run


@pytest.fixture(scope="module")
def without_machine(without_task):
    """Goes on until all of it is killed during `train`."""
    run = without_task.resume()
    run.wait_for_start("train")
    time.sleep(0.5)
    run.kill_all()
    return run


@pytest.fixture(scope="module")
def finished(without_machine):
    """Goes on to the end."""
    run = without_machine.resume()
    run.wait()
    return run


def test_a_run_that_is_told_to_end_stops_its_tasks_and_says_how_to_go_on(stopped):
    assert stopped.status != 0
    assert stopped.started == ["start", "extract"]
    for _ in range(100):  # it notices within seconds that its run is gone
        if has_ended(stopped.task):
            break
        time.sleep(0.1)
    assert has_ended(stopped.task)
    assert "Traceback" not in stopped.output
    assert f"resume --origin-run-id {stopped.told_id} --run-id-file run-id" in stopped.output


def test_each_resumed_run_does_what_the_last_one_left(
    without_task, without_machine, finished, undisturbed
):
    assert without_task.status != 0
    assert without_task.started == ["extract", "augment", "embed", "embed"]
    assert without_machine.started == ["embed"] * (len(undisturbed["shards"]) - 1) + ["train"]
    assert finished.status == 0, finished.output
    assert finished.started == ["train", "end"]


def test_a_run_that_was_resumed_gives_what_an_undisturbed_run_gives(finished, undisturbed):
    run_id = (finished.folder / "run-id").read_text()
    found = results(run_id, environment(finished.folder), finished.folder)
    for name in COMPARED:
        assert found[name] == undisturbed[name], name
