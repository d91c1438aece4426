"""Tasks over worker processes; where a worker dies, the message names what was running."""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from evoflow.devices.parent import end_with_parent
from evoflow.devices.threads import usable_cores
from evoflow.errors import InputError
from evoflow.settings import DataSettings

Task = TypeVar("Task")
Result = TypeVar("Result")


SMALL = 10_000_000
"""Bytes of reads and variants that one process has done before workers have started."""


class Pool:
    """Worker processes that are started when they are first needed and then kept.

    Parameters
    ----------
    processes
        Processes at once; 0: one per core. With one, or one task, work is done in this process.
    """

    def __init__(self, processes: int) -> None:
        self.processes = processes or usable_cores()
        self._executor: ProcessPoolExecutor | None = None

    @classmethod
    def for_inputs(cls, processes: int, data: DataSettings) -> Self:
        """Make a pool for local files; by default without workers where they are small."""
        paths = [path for person in data.individuals for path in (person.reads, person.variants)]
        small = sum(Path(path).stat().st_size for path in paths) <= SMALL
        return cls(1 if small and not processes and not data.haplotypes else processes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._executor is None:
            return
        if kind is not None:  # what is still running would be waited for without need
            for worker in list(self._executor._processes.values()):  # noqa: SLF001
                worker.kill()
        self._executor.shutdown(cancel_futures=True)

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
            When a worker dies, at once; or when workers cannot be started from a script that has
            no main guard. What `work` raises is raised here, with the worker's traceback.
        """
        if min(self.processes, len(tasks)) <= 1:
            results = []
            for task in tasks:
                results.append(work(task))
                done(len(results))
            return results
        if self._executor is None:
            _require_main_guard()
            # Fork is not safe beside threads, which Metaflow and tests have.
            self._executor = ProcessPoolExecutor(
                self.processes, mp_context=get_context("spawn"), initializer=end_with_parent
            )
        return self._share_out(self._executor, work, tasks, name, done)

    def _share_out(
        self,
        executor: ProcessPoolExecutor,
        work: Callable[[Task], Result],
        tasks: Sequence[Task],
        name: Callable[[Task], str],
        done: Callable[[int], None],
    ) -> list[Result]:
        """Submit no more tasks than there are workers, so that every submitted task is running."""
        results: dict[int, Result] = {}
        waiting = iter(range(len(tasks)))
        running: dict[Future[Result], int] = {}
        try:
            while len(results) < len(tasks):
                while len(running) < self.processes and (task := next(waiting, None)) is not None:
                    running[executor.submit(work, tasks[task])] = task
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    results[running[future]] = future.result()
                    del running[future]
                    done(len(results))
        except BrokenProcessPool as error:
            were = " or ".join(name(tasks[task]) for task in sorted(running.values()))
            raise InputError(
                f"{were}: its process was killed, probably because memory ran out; set fewer "
                "processes (compute.processes, --processes) or give the machine more memory"
            ) from error
        finally:
            for future in running:
                future.cancel()
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


def _require_main_guard() -> None:
    """Refuse a script that would run itself again in every worker, which imports it.

    Raises
    ------
    InputError
        When the program is a script whose text has no `__name__`.
    """
    main = sys.modules["__main__"]
    path = getattr(main, "__file__", None)
    # A module that was started with `python -m` is imported by its name: the same holds for it.
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace") if path else "__name__"
    except OSError:
        return
    if Path(str(path)).suffix == ".py" and "__name__" not in text:
        raise InputError(
            f"{path}: has no main guard, without which Python cannot start worker processes; put "
            'the code of the script under `if __name__ == "__main__":`, or set processes to 1'
        )
