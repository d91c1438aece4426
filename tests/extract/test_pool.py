import signal

import pytest

from evoflow.errors import InputError
from evoflow.extract.pool import Pool


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
    with pytest.raises(InputError, match=r"^task SIGKILL: its process ended by signal 9"):
        run_tasks(signal.raise_signal, tasks, processes=2, name=lambda each: f"task {each.name}")


@pytest.mark.parametrize("processes", [1, 2])
def test_errors_of_the_work_arrive(processes):
    with pytest.raises(ValueError, match="'two'"):
        run_tasks(int, ["1", "two"], processes=processes, name=str)


def test_no_tasks():
    assert run_tasks(abs, [], processes=0, name=str) == []
