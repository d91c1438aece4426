import threading

import pytest

from evoflow.train.reading import read_ahead


class LazyTask:
    """Loads its artifact when asked, and keeps it, as Metaflow's tasks do."""

    def __init__(self, number, log):
        self.number = number
        self.log = log
        self.loaded = threading.Event()

    def __getattr__(self, name):
        if name != "embeddings":
            raise AttributeError(name)
        self.log.append(self.number)
        self.embeddings = f"shard {self.number}"
        self.loaded.set()
        return self.embeddings


def tasks(count):
    log = []
    return [LazyTask(number, log) for number in range(count)], log


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_every_shard_is_read_once_and_in_order(count):
    made, log = tasks(count)
    assert list(read_ahead(made, "embeddings")) == [f"shard {number}" for number in range(count)]
    assert log == list(range(count))


def test_the_next_shard_is_read_while_one_is_used():
    made, _ = tasks(3)
    reading = read_ahead(made, "embeddings")
    next(reading)
    assert made[1].loaded.wait(timeout=10)
    assert not made[2].loaded.is_set()
    list(reading)


def test_tasks_forget_what_was_read():
    made, _ = tasks(3)
    list(read_ahead(made, "embeddings"))
    assert all("embeddings" not in vars(task) for task in made)


def test_what_cannot_be_read_is_raised():
    with pytest.raises(AttributeError):
        list(read_ahead([object()], "embeddings"))
