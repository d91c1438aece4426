"""The artifact `embeddings`: small, readable, and a way to every value."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from evoflow.embed.store import parts
from evoflow.embed.store.datastore import Datastore
from evoflow.embed.store.handle import EmbeddingWriter, join
from evoflow.embed.store.parts import Background
from evoflow.errors import InputError

VALUES = np.random.default_rng(0).normal(size=(25, 4, 8)).astype(np.float16)


@pytest.fixture
def datastore(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "PART_BYTES", 10 * 4 * 8 * 2)
    return Datastore("local", str(tmp_path), "EvoFlow")


def stored(datastore, values=VALUES, task="EvoFlow/12/embed/7"):
    with Background() as background:
        writer = EmbeddingWriter(datastore, task, values.shape, values.dtype.name, background)
        for row, one in enumerate(values):
            writer.put(row, one)
        return writer.finish()


def blobs(datastore):
    return sorted(
        path for path in Path(datastore.root).rglob("*") if path.is_file() and "_" not in path.name
    )


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_what_was_stored_is_loaded(datastore, dtype):
    values = VALUES.astype(dtype)
    handle = pickle.loads(pickle.dumps(stored(datastore, values)))
    assert (handle.shape, handle.dtype, handle.nbytes) == (values.shape, dtype, values.nbytes)
    assert len(handle) == 25
    np.testing.assert_array_equal(handle.numpy(), values)
    assert handle.numpy().dtype == values.dtype
    rows = 20 // values.itemsize
    assert [len(part) for part in handle] == [rows] * (25 // rows) + ([5] if 25 % rows else [])
    np.testing.assert_array_equal(np.concatenate(list(handle)), values)


def test_the_handle_is_small_however_large_the_shard(datastore, monkeypatch):
    monkeypatch.setattr(parts, "PART_BYTES", 1)
    handle = stored(datastore, np.zeros((2000, 1, 1), np.float16))
    assert handle.num_parts == 2000
    assert len(pickle.dumps(handle)) < 1000


def test_the_handle_says_what_it_stands_for(datastore):
    assert repr(stored(datastore)) == (
        "<embeddings of EvoFlow/12/embed/7: 25 sequences x 4 tokens x 8 values, float16, 0.0 MB in "
        "3 parts on local; .numpy() loads them, iterating gives part after part>"
    )


def test_a_second_attempt_stores_nothing_new(datastore):
    first = stored(datastore)
    before = blobs(datastore)
    assert stored(datastore) == first
    assert blobs(datastore) == before


def test_a_lost_part_is_named_with_what_to_do_and_is_mended_by_it(datastore):
    handle = stored(datastore)
    part = datastore.address(handle.keys()[1])
    Path(part).unlink()
    expected = rf"EvoFlow/12/embed/7: {part} is gone: `resume embed --origin-run-id 12`"
    with pytest.raises(InputError, match=expected):
        handle.numpy()
    with pytest.raises(InputError, match=expected):
        list(handle)
    stored(datastore)
    np.testing.assert_array_equal(handle.numpy(), VALUES)


def test_a_damaged_part_is_named(datastore):
    handle = stored(datastore)
    part = Path(datastore.address(handle.keys()[2]))
    part.write_bytes(part.read_bytes()[:-2])
    with pytest.raises(InputError, match=rf"{part} is damaged: delete it, and then `resume embed"):
        handle.numpy()


@pytest.mark.parametrize("memory", [0, 10**6])
@pytest.mark.parametrize("cuts", [[], [3, 10], [1, 2, 20]])
def test_the_division_into_shards_leaves_no_trace(datastore, cuts, memory):
    shards = [stored(datastore, part) for part in np.split(VALUES, cuts)]
    joined = join(shards, memory)
    np.testing.assert_array_equal(joined, VALUES)
    assert isinstance(joined, np.memmap) == (memory == 0)


def test_shards_that_do_not_fit_are_refused_by_name(datastore):
    one = stored(datastore)
    for other in (VALUES.astype(np.float32), VALUES[:, :2]):
        with pytest.raises(InputError, match=r"EvoFlow/13/embed/8.*does not fit.*EvoFlow/12"):
            join([one, stored(datastore, other, "EvoFlow/13/embed/8")], 10**6)
