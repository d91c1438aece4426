"""Tasks over worker processes, in which a worker that dies is named with its task.

`concurrent.futures` tells that some worker died, not on what; hence this small pool.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Self, TypeVar

from evoflow.errors import InputError

Task = TypeVar("Task")
Result = TypeVar("Result")


class Pool:
    """Worker processes that are started when they are first needed and then kept.

    Parameters
    ----------
    processes
        Processes at once; 0: one a core. With one, or one task, work is done in this process.
    """

    def __init__(self, processes: int) -> None:
        self.processes = processes or _cores()
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for worker in self._workers:
            worker.stop()

    def run(
        self,
        work: Callable[[Task], Result],
        tasks: Sequence[Task],
        *,
        name: Callable[[Task], str],
        done: Callable[[int], None] = lambda _: None,
    ) -> list[Result]:
        """Do all tasks and return their results in the tasks' order.

        Parameters
        ----------
        work
            A module-level function, as worker processes import it.
        tasks
            What to do.
        name
            How a message names a task.
        done
            Called with the number of tasks done.

        Raises
        ------
        InputError
            When a worker dies, at once. What `work` raises is raised here; then the pool is spent.
        """
        wanted = min(self.processes, len(tasks))
        if wanted <= 1:
            results = []
            for task in tasks:
                results.append(work(task))
                done(len(results))
            return results
        while len(self._workers) < wanted:
            self._workers.append(_Worker())
        return self._share_out(work, tasks, name, done)

    def _share_out(
        self,
        work: Callable[[Task], Result],
        tasks: Sequence[Task],
        name: Callable[[Task], str],
        done: Callable[[int], None],
    ) -> list[Result]:
        results: dict[int, Result] = {}
        waiting = list(reversed(range(len(tasks))))
        idle = list(self._workers)
        busy: dict[Any, tuple[_Worker, int]] = {}
        while len(results) < len(tasks):
            while idle and waiting:
                worker, task = idle.pop(), waiting.pop()
                with _naming(worker, name(tasks[task])):
                    worker.connection.send((work, tasks[task]))
                busy[worker.connection] = worker, task
            for ready in wait(list(busy)):
                worker, task = busy.pop(ready)
                with _naming(worker, name(tasks[task])):
                    result, error = worker.connection.recv()
                if error is not None:
                    raise error
                results[task] = result
                idle.append(worker)
                done(len(results))
        return [results[number] for number in range(len(tasks))]


class Tally:
    """Counts the parts of several stages together; stages become known one by one."""

    def __init__(self, progress: Callable[[int, int], None] | None) -> None:
        self._progress = progress
        self._done = self._total = 0

    def expect(self, parts: int) -> Callable[[int], None]:
        """Add a stage; return what is called after each of its parts."""
        self._total += parts

        def done(_: int) -> None:
            self._done += 1
            if self._progress:
                self._progress(self._done, self._total)

        return done


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Worker:
    """A process that does one task after another."""

    def __init__(self) -> None:
        # Fork is not safe beside threads, which Metaflow and tests have.
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


def _serve(connection: Connection) -> None:
    while True:
        try:
            work, task = connection.recv()
        except EOFError:
            return
        try:
            connection.send((work(task), None))
        except Exception as error:  # noqa: BLE001 - raised in the parent
            connection.send((None, error))


@contextmanager
def _naming(worker: _Worker, task: str) -> Iterator[None]:
    """Name the task of a worker that does not answer because it is dead."""
    try:
        yield
    except (EOFError, ConnectionError):
        worker.process.join()
        code = worker.process.exitcode or 0
        if code >= 0:
            raise InputError(f"{task}: its process ended with status {code}") from None
        raise InputError(
            f"{task}: its process ended by signal {-code}, perhaps for want of memory; set fewer "
            "processes (compute.processes, --processes) or give the machine more memory"
        ) from None
