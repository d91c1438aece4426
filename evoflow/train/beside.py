"""Work that is done beside other work where cores allow, else after it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
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
        1, mp_context=get_context("spawn"), initializer=torch.set_num_threads, initargs=(others,)
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
                    except BrokenProcessPool:  # killed, or a script without a main guard
                        return work(*args, **kwargs)

                return result

            yield later
    finally:
        torch.set_num_threads(threads)
