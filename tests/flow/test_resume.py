"""A run that is killed again and again, and resumed each time."""

import os
import re
import signal
import subprocess
import time

import pytest

from tests.flow.conftest import flow_command, results, write_configs

pytestmark = pytest.mark.slow
STARTED = re.compile(r"/(\w+)/\d+ \(pid (\d+)\)\] Task is starting")


class KillableRun:
    """The flow's process group, its output line by line, and who was started."""

    def __init__(self, arguments, folder, environment, **configs):
        self.process = subprocess.Popen(
            flow_command(arguments, **configs),
            cwd=folder,
            env=os.environ | environment,
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
        """Read the rest; the exit status."""
        self.output += self.process.stdout.read()
        self.process.stdout.close()
        return self.process.wait()

    @property
    def started(self):
        return [step for step, _ in STARTED.findall(self.output)]


def test_killed_in_three_steps_and_resumed(undisturbed, tmp_path):
    environment = {"METAFLOW_DATASTORE_SYSROOT_LOCAL": str(tmp_path), "OMP_NUM_THREADS": "1"}
    identity = ["--run-id-file", "run-id", "--max-workers", "1"]
    shards = len(undisturbed["shards"])

    def resume():
        origin = (tmp_path / "run-id").read_text()
        return KillableRun(["resume", "--origin-run-id", origin, *identity], tmp_path, environment)

    run = KillableRun(["run", *identity], tmp_path, environment, **write_configs(tmp_path))
    run.wait_for_start("extract")
    time.sleep(0.5)
    run.kill_all()
    assert run.started == ["start", "extract"]

    run = resume()
    os.kill(run.wait_for_start("embed", times=2), signal.SIGKILL)
    assert run.wait() != 0
    assert run.started == ["extract", "augment", "embed", "embed"]

    run = resume()
    run.wait_for_start("train")
    time.sleep(0.5)
    run.kill_all()
    assert run.started == ["embed"] * (shards - 1) + ["train"]

    run = resume()
    assert run.wait() == 0, run.output
    assert run.started == ["train", "end"]

    found = results((tmp_path / "run-id").read_text(), environment, tmp_path)
    for name in ("examples", "shards", "embeddings", "log_likelihood", "metrics", "predictions"):
        assert found[name] == undisturbed[name], name
