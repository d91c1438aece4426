import os
import signal
import subprocess
import sys

import pytest

from evoflow.errors import InputError
from evoflow.extract.pool import Pool
from tests.conftest import ROOT


def run_tasks(work, tasks, *, processes, **names):
    with Pool(processes) as pool:
        return pool.run(work, tasks, **names)


@pytest.mark.parametrize("processes", [1, 3])
def test_results_come_in_the_order_of_the_tasks(processes):
    done = []
    results = run_tasks(abs, range(-3, 4), processes=processes, name=str, done=done.append)
    assert results == [3, 2, 1, 0, 1, 2, 3]
    assert done == [1, 2, 3, 4, 5, 6, 7]


def test_worker_that_dies_is_named_with_its_task():
    tasks = [signal.SIGCONT, signal.SIGCONT, signal.SIGKILL, signal.SIGCONT]  # harmless but one
    with pytest.raises(InputError, match=r"task SIGKILL.*: its process was killed"):
        run_tasks(signal.raise_signal, tasks, processes=2, name=lambda each: f"task {each.name}")


@pytest.mark.parametrize("processes", [1, 2])
def test_errors_of_the_work_arrive(processes):
    with pytest.raises(ValueError, match="'two'"):
        run_tasks(int, ["1", "two"], processes=processes, name=str)


def test_no_tasks():
    assert run_tasks(abs, [], processes=0, name=str) == []


def test_a_worker_s_own_traceback_is_kept():
    with pytest.raises(ValueError, match="'two'") as caught:
        run_tasks(int, ["1", "two"], processes=2, name=str)
    assert "process.py" in str(caught.value.__cause__)


SCRIPT = """
from evoflow.extract.pool import Pool

def work():
    with Pool(2) as pool:
        print(pool.run(abs, [-1, -2], name=str))

"""
GUARD = 'if __name__ == "__main__":'


@pytest.mark.parametrize("guard", ["if True:", GUARD])
def test_a_script_without_a_main_guard_is_told_what_to_do(tmp_path, guard):
    script = tmp_path / "script.py"
    script.write_text(f"{SCRIPT}{guard}\n    work()\n")
    done = subprocess.run(
        [sys.executable, str(script)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if guard == GUARD:
        assert done.stdout == "[1, 2]\n", done.stderr
    else:
        assert f"InputError: {script}: has no main guard" in done.stderr
        assert done.stderr.count("Traceback") == 1
