"""Work that is done beside other work where cores allow, else after it."""

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing.context import SpawnContext, SpawnProcess
from types import ModuleType
from typing import ParamSpec, Protocol, TypeVar

import torch

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Later(Protocol):
    """Takes work, and returns what waits for its result."""

    def __call__(
        self, work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs
    ) -> Callable[[], Result]:
        """Take a module-level function and what it is called with."""


def afterwards(
    work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs
) -> Callable[[], Result]:
    """Do the work when its result is asked for."""
    return partial(work, *args, **kwargs)


class _WithoutScript(SpawnProcess):
    """A process that does not import the script that starts it: the flow takes a second or two."""

    def start(self) -> None:
        script = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")  # which no file says how to import
        try:
            super().start()
        finally:
            sys.modules["__main__"] = script


class _Context(SpawnContext):
    Process = _WithoutScript


def _compute_with(threads: int) -> None:
    """Have this process compute with so many threads."""
    torch.set_num_threads(threads)
    os.environ["OMP_NUM_THREADS"] = str(threads)  # for scikit-learn, which is not loaded yet


@contextmanager
def beside(device: torch.device) -> Iterator[Later]:
    """Share the cores with a second process, which does the work that it is given in turn.

    On a GPU, and on a single core, there is nothing to share: the work is done when its result
    is asked for. The result is the same.
    """
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads < 2:
        yield afterwards
        return
    others = threads // 2
    torch.set_num_threads(threads - others)
    # Fork is not safe beside threads, which torch and Metaflow have.
    pool = ProcessPoolExecutor(
        1, mp_context=_Context(), initializer=_compute_with, initargs=(others,)
    )
    try:
        with pool:

            def later(
                work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs
            ) -> Callable[[], Result]:
                future = pool.submit(work, *args, **kwargs)

                def result() -> Result:
                    try:
                        return future.result()
                    except BrokenProcessPool:  # killed, or a function of the script itself
                        return work(*args, **kwargs)

                return result

            yield later
    finally:
        torch.set_num_threads(threads)
