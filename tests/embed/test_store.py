import threading

import numpy as np
import pytest

from evoflow.embed.objects import FolderObjects, open_objects
from evoflow.embed.store import EmbeddingStore, Stored, sequence_key
from evoflow.errors import InputError

RECIPE = {"weights": "some-commit", "layer": "final", "tokens": "all"}
WIDTH = 3


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


def opened(folder, **changes):
    return EmbeddingStore(FolderObjects(folder), RECIPE | changes, "float16", WIDTH)


def embedding(name, tokens=2):
    values = np.random.default_rng(len(name)).normal(size=(tokens, WIDTH)).astype(np.float16)
    return Stored(sequence_key(name, None), values, -1.25)


def found_in(store, *stored):
    wanted = {one.key: len(one.values) for one in stored}
    return {one.key: one for one in store.find(wanted)}


def assert_same(found, stored):
    np.testing.assert_array_equal(found.values, stored.values)
    assert found.values.dtype == np.float16
    assert found.log_likelihood == stored.log_likelihood


def files(folder, kind):
    return sorted(folder.glob(f"*/{kind}/*"))


def damage(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def test_what_was_added_is_found_by_another_run(folder):
    first, second, absent = embedding("A"), embedding("AC", tokens=5), embedding("ACG")
    opened(folder).add([first, second])
    store = opened(folder)
    found = found_in(store, first, second, absent)
    assert set(found) == {first.key, second.key}
    assert_same(found[first.key], first)
    assert_same(found[second.key], second)
    assert store.use.hits == 2
    assert store.use.bytes_read == (2 + 5) * WIDTH * 2
    assert store.use.corrupt == 0


def test_only_the_wanted_part_of_a_segment_is_read(folder):
    many = [embedding("A" * n) for n in range(1, 11)]
    opened(folder).add(many)
    store = opened(folder)
    found = found_in(store, many[3], many[5])
    assert set(found) == {many[3].key, many[5].key}
    assert store.use.bytes_read == 3 * 2 * WIDTH * 2  # embeddings 3, 4 and 5


@pytest.mark.parametrize(
    "change", [{"weights": "other"}, {"layer": "logits"}, {"tokens": "mean"}, {"dtype": "bfloat16"}]
)
def test_another_recipe_finds_nothing(folder, change):
    stored = embedding("A")
    opened(folder).add([stored])
    assert not found_in(opened(folder, **change), stored)


def test_another_stored_type_finds_nothing(folder):
    stored = embedding("A")
    opened(folder).add([stored])
    store = EmbeddingStore(FolderObjects(folder), RECIPE, "float32", WIDTH)
    assert not found_in(store, stored)


def test_keys_tell_sequences_and_offsets_apart():
    keys = {sequence_key("ACGT", offset) for offset in (None, 1, 2)}
    assert len(keys | {sequence_key("ACGA", 1)}) == 4
    assert sequence_key("acgt", 1) == sequence_key("ACGT", 1)


@pytest.mark.parametrize("at", range(2 * WIDTH * 2))
def test_one_flipped_bit_of_an_embedding_is_noticed(folder, at):
    bad, good = embedding("A"), embedding("AC")
    opened(folder).add([bad, good])
    damage(files(folder, "data")[0], at)
    store = opened(folder)
    found = found_in(store, bad, good)
    assert set(found) == {good.key}
    assert store.use.corrupt == 1


def test_every_flipped_bit_of_an_index_is_noticed(folder):
    stored = embedding("A")
    opened(folder).add([stored])
    (index,) = files(folder, "index")
    sound = index.read_bytes()
    for at in range(len(sound)):
        damage(index, at)
        store = opened(folder)
        assert not found_in(store, stored)
        assert store.use.corrupt == 1
        index.write_bytes(sound)


@pytest.mark.parametrize("kind", ["index", "data"])
@pytest.mark.parametrize("size", [0, 5, 200])
def test_a_truncated_object_is_noticed(folder, kind, size):
    stored = embedding("A", tokens=60)
    opened(folder).add([stored])
    (path,) = files(folder, kind)
    path.write_bytes(path.read_bytes()[:size])
    store = opened(folder)
    assert not found_in(store, stored)
    assert store.use.corrupt == 1


def test_a_lost_data_object_is_noticed(folder):
    stored = embedding("A")
    opened(folder).add([stored])
    files(folder, "data")[0].unlink()
    store = opened(folder)
    assert not found_in(store, stored)
    assert store.use.corrupt == 1


def test_what_was_computed_again_is_found_beside_the_damaged_entry(folder):
    stored, other = embedding("A"), embedding("AC")
    opened(folder).add([stored])
    damage(files(folder, "data")[0], 0)
    opened(folder).add([stored, other])
    for _ in range(2):
        assert_same(found_in(opened(folder), stored)[stored.key], stored)


def test_data_without_an_index_is_not_seen(folder):
    stored = embedding("A")
    opened(folder).add([stored])
    files(folder, "index")[0].unlink()
    store = opened(folder)
    assert not found_in(store, stored)
    assert store.use.corrupt == 0


def test_many_writers_do_not_disturb_each_other(folder):
    everything = [embedding("A" * n) for n in range(1, 41)]
    writers = [
        threading.Thread(target=lambda part=part: opened(folder).add(everything[part : part + 10]))
        for part in (0, 5, 10, 20, 30)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = found_in(opened(folder), *everything)
    assert len(found) == len(everything)
    for stored in everything:
        assert_same(found[stored.key], stored)


def test_a_location_that_cannot_be_used_is_an_input_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"compute\.embedding_cache: .*file"):
        open_objects(str(tmp_path / "file"))
    with pytest.raises(InputError, match="neither a folder nor s3://"):
        open_objects("https://example.org/cache")
