"""Reading the shards of a run: the next one while the last one is put in its place."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def read_ahead(tasks: Iterable[Any], name: str) -> Iterator[Any]:
    """Yield an artifact of each task, in order, each read once.

    Two are in memory at a time: a task keeps what was read as its attribute, so it is made to
    forget it.

    Parameters
    ----------
    tasks
        Objects that load an artifact when its attribute is asked for, as a join's inputs do.
    name
        The artifact.
    """

    def read(task: Any) -> Any:
        value = getattr(task, name)
        vars(task).pop(name, None)
        return value

    with ThreadPoolExecutor(1) as reader:
        ahead = None
        for task in tasks:
            current, ahead = ahead, reader.submit(read, task)
            if current is not None:
                yield current.result()
                del current
        if ahead is not None:
            yield ahead.result()
