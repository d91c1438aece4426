"""Parts: rows in any order, in bounded memory, none lost."""

import threading
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoflow.embed.store import parts
from evoflow.embed.store.parts import Background, PartWriter, read_ahead, room, rows_per_part
from evoflow.errors import InputError

HALF = np.dtype("float16")


def written(shape, rows, part_rows, monkeypatch):
    """Write rows in an order: what was saved, and what `finish` lists."""
    monkeypatch.setattr(parts, "PART_BYTES", part_rows * shape[1] * shape[2] * 2)
    saved = {}

    def save(first, values):
        saved[first] = values.copy()
        return first

    with Background() as background:
        writer = PartWriter(shape, HALF, save, background)
        for row in rows:
            writer.put(row, np.full(shape[1:], row, HALF))
        return saved, writer.finish()


@given(st.permutations(range(7)), st.integers(1, 8))
def test_rows_may_come_in_any_order(order, part_rows):
    with pytest.MonkeyPatch.context() as monkeypatch:
        saved, listed = written((7, 2, 3), order, part_rows, monkeypatch)
    assert listed == sorted(saved)
    together = np.concatenate([saved[first] for first in listed])
    np.testing.assert_array_equal(together[:, 0, 0], range(7))
    assert together.shape == (7, 2, 3)


def test_shorter_rows_are_filled_up_with_zeros():
    saved = []
    with Background() as background:
        writer = PartWriter((1, 3, 2), HALF, lambda _, values: saved.append(values), background)
        writer.put(0, np.ones((2, 2), HALF))
    assert saved[0].tolist() == [[[1, 1], [1, 1], [0, 0]]]


def test_a_row_that_never_came_is_noticed():
    with Background() as background:
        writer = PartWriter((2, 1, 1), HALF, lambda *_: None, background)
        writer.put(0, np.ones((1, 1), HALF))
        with pytest.raises(ValueError, match="not full"):
            writer.finish()


def test_parts_are_32_to_64_megabytes():
    for row in ((64, 4096), (1, 4096), (150, 512), (64, 128), (1000, 4096)):
        size = rows_per_part(row, HALF) * row[0] * row[1] * 2
        assert 32e6 <= size <= 64e6
    assert rows_per_part((8192, 8192), HALF) == 1


def test_memory_does_not_grow_with_the_rows_while_saving_is_slow(monkeypatch):
    monkeypatch.setattr(parts, "PART_BYTES", 2)
    made = []
    most = 0
    gate = threading.Semaphore(0)

    class Counted(np.ndarray):
        pass

    zeros = np.zeros

    def counted(*arguments):
        values = zeros(*arguments).view(Counted)
        made.append(weakref.ref(values))
        return values

    monkeypatch.setattr(parts.np, "zeros", counted)

    def save(*_):
        nonlocal most
        most = max(most, sum(one() is not None for one in made))
        gate.acquire(timeout=10)

    with Background() as background:
        writer = PartWriter((200, 1, 1), HALF, save, background)
        for row in range(200):
            gate.release()
            writer.put(row, zeros((1, 1), HALF))
        writer.finish()
    assert most <= parts.THREADS


def test_what_saving_raises_comes_out():
    def full(*_):
        raise InputError("the disk is full")

    def write():
        with Background() as background:
            PartWriter((1, 1, 1), HALF, full, background).put(0, np.ones((1, 1), HALF))

    with pytest.raises(InputError, match="the disk is full"):
        write()


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 20])
def test_reading_ahead_keeps_the_order(count):
    assert list(read_ahead(lambda item: item * 2, range(count))) == [2 * k for k in range(count)]


def test_no_more_than_a_few_items_are_read_ahead():
    asked = []
    reading = read_ahead(lambda item: item, (asked.append(k) or k for k in range(100)))
    next(reading)
    assert len(asked) <= parts.THREADS + 1
    reading.close()


def test_what_reading_raises_comes_out():
    with pytest.raises(ZeroDivisionError):
        list(read_ahead(lambda item: 1 // item, [1, 0, 1]))


def test_beyond_the_memory_room_is_in_a_scratch_file():
    scratch = room((6, 2, 2), HALF, memory=47)
    assert isinstance(scratch, np.memmap)
    scratch[:] = 3
    assert scratch.shape == (6, 2, 2)
    assert not isinstance(room((6, 2, 2), HALF, memory=48), np.memmap)


def test_a_scratch_file_that_the_disk_cannot_hold_is_refused(monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=47))
    with pytest.raises(InputError, match="TMPDIR"):
        room((6, 2, 2), HALF, memory=47)
