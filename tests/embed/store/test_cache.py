"""What the cache gives is what it got, whatever happens to its place."""

import os
import threading

import numpy as np
import pytest

from evoflow.embed.objects.folder import FolderObjects
from evoflow.embed.store.cache import EmbeddingCache, check_cache
from evoflow.embed.store.segments import sequence_key
from evoflow.errors import InputError
from evoflow.settings import ComputeSettings, load

RECIPE = {"weights": "some-commit", "layer": "final", "tokens": "all"}
WIDTH = 3
TOKENS = 2


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


def opened(folder, **changes):
    return EmbeddingCache(FolderObjects(folder), RECIPE | changes, "float16", WIDTH)


def key(number):
    return sequence_key("A" * number, None)


def values(*numbers, tokens=TOKENS):
    draw = [np.random.default_rng(number).normal(size=(tokens, WIDTH)) for number in numbers]
    return np.array(draw, np.float16)


def add(cache, *numbers, tokens=TOKENS):
    likelihoods = np.array([-number / 8 for number in numbers], np.float32)
    cache.add([key(number) for number in numbers], values(*numbers, tokens=tokens), likelihoods)


def found_in(cache, *numbers, tokens=TOKENS):
    found = cache.read(cache.find([key(number) for number in numbers]), tokens)
    for number in numbers:
        if key(number) in found:
            stored = found[key(number)]
            np.testing.assert_array_equal(stored.values, values(number, tokens=tokens)[0])
            assert stored.log_likelihood == -number / 8
    return {number for number in numbers if key(number) in found}


def files(folder, kind):
    return sorted(folder.glob(f"*/{kind}/*"))


def damage(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def test_what_was_added_is_found_by_another_run(folder):
    add(opened(folder), 1, 2)
    cache = opened(folder)
    assert found_in(cache, 1, 2, 3) == {1, 2}
    assert cache.use.bytes_read == 2 * TOKENS * WIDTH * 2
    assert (cache.use.corrupt, cache.use.problem) == (0, None)


def test_only_the_wanted_part_of_a_segment_is_read(folder):
    add(opened(folder), *range(1, 11))
    cache = opened(folder)
    assert found_in(cache, 4, 6) == {4, 6}
    assert cache.use.bytes_read == 3 * TOKENS * WIDTH * 2  # of 4, 5 and 6


@pytest.mark.parametrize(
    "change", [{"weights": "other"}, {"layer": "logits"}, {"tokens": "mean"}, {"dtype": "bfloat16"}]
)
def test_another_recipe_finds_nothing(folder, change):
    add(opened(folder), 1)
    assert not found_in(opened(folder, **change), 1)


def test_another_stored_type_finds_nothing(folder):
    add(opened(folder), 1)
    cache = EmbeddingCache(FolderObjects(folder), RECIPE, "float32", WIDTH)
    assert not found_in(cache, 1)


def test_keys_tell_sequences_and_offsets_apart():
    keys = {sequence_key("ACGT", offset) for offset in (None, 1, 2)}
    assert len(keys | {sequence_key("ACGA", 1)}) == 4
    assert sequence_key("acgt", 1) == sequence_key("ACGT", 1)


@pytest.mark.parametrize("at", range(TOKENS * WIDTH * 2))
def test_one_flipped_bit_of_an_embedding_is_noticed(folder, at):
    add(opened(folder), 1, 2)
    damage(files(folder, "data")[0], at)
    cache = opened(folder)
    assert found_in(cache, 1, 2) == {2}
    assert cache.use.corrupt == 1


def test_every_flipped_bit_of_an_index_is_noticed(folder):
    add(opened(folder), 1)
    (index,) = files(folder, "index")
    sound = index.read_bytes()
    for at in range(len(sound)):
        damage(index, at)
        cache = opened(folder)
        assert not found_in(cache, 1)
        assert cache.use.corrupt == 1
        index.write_bytes(sound)


@pytest.mark.parametrize("kind", ["index", "data"])
@pytest.mark.parametrize("size", [0, 5, 200])
def test_a_truncated_object_is_noticed(folder, kind, size):
    add(opened(folder), 1, tokens=60)
    (path,) = files(folder, kind)
    path.write_bytes(path.read_bytes()[:size])
    cache = opened(folder)
    assert not found_in(cache, 1, tokens=60)
    assert cache.use.corrupt == 1


@pytest.mark.parametrize("instead", ["nothing", "a folder"])
def test_a_data_object_that_is_gone_is_noticed(folder, instead):
    add(opened(folder), 1)
    (path,) = files(folder, "data")
    path.unlink()
    if instead == "a folder":
        path.mkdir()
    cache = opened(folder)
    assert not found_in(cache, 1)
    assert cache.use.corrupt == 1


def test_folders_of_a_file_server_are_not_read(folder):
    add(opened(folder), 1)
    (files(folder, "index")[0].parent / "@eaDir").mkdir()
    cache = opened(folder)
    assert found_in(cache, 1) == {1}
    assert cache.use.problem is None


def test_what_was_computed_again_is_found_beside_the_damaged_entry(folder):
    add(opened(folder), 1)
    damage(files(folder, "data")[0], 0)
    add(opened(folder), 1, 2)
    for _ in range(2):
        assert found_in(opened(folder), 1) == {1}


def test_data_without_an_index_is_not_seen(folder):
    add(opened(folder), 1)
    files(folder, "index")[0].unlink()
    cache = opened(folder)
    assert not found_in(cache, 1)
    assert cache.use.corrupt == 0


def test_many_writers_do_not_disturb_each_other(folder):
    writers = [
        threading.Thread(target=lambda part=part: add(opened(folder), *range(part, part + 10)))
        for part in (1, 6, 11, 21, 31)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert found_in(opened(folder), *range(1, 41)) == set(range(1, 41))


def test_files_have_the_modes_that_the_umask_says(folder):
    before = os.umask(0o002)
    try:
        add(opened(folder), 1)
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in folder.glob("*/*/*")}
    assert modes == {0o664}


class Failing(FolderObjects):
    """A place that does not give or take what `names` says."""

    def __init__(self, folder, *names):
        super().__init__(folder)
        self.failing = names
        self.asked = 0

    def _fail(self, method):
        if method in self.failing:
            self.asked += 1
            raise InputError(f"S3 answers 503 SlowDown to {method}")

    def names(self, folder):
        self._fail("names")
        return super().names(folder)

    def read(self, name, start=0, stop=None):
        if "/data/" in name:
            self._fail("read")
        return super().read(name, start, stop)

    def write(self, name, content):
        self._fail("write")
        super().write(name, content)


@pytest.mark.parametrize("method", ["names", "read", "write"])
def test_a_place_that_fails_is_one_warning_and_is_not_asked_for_ever(folder, method, caplog):
    for number in range(1, 6):
        add(opened(folder), number)
    objects = Failing(folder, method)
    cache = EmbeddingCache(objects, RECIPE, "float16", WIDTH)
    found = found_in(cache, *range(1, 6))
    add(cache, 7)
    add(cache, 8)
    assert found == (set(range(1, 6)) if method == "write" else set())
    assert objects.asked == 1
    assert "503 SlowDown" in cache.use.problem
    (record,) = caplog.records
    assert "compute.embedding_cache" in record.getMessage()


def test_a_full_disk_leaves_no_half_written_files(folder, monkeypatch):
    cache = opened(folder)

    def full(self, _content):
        self.touch()
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    add(cache, 1)
    assert "No space left on device" in cache.use.problem
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def look_at(location, **compute):
    """What `start` says of a place for the cache."""
    given = {} if location is None else {"embedding_cache": str(location)}
    return check_cache(load(ComputeSettings, given | compute))


def test_start_refuses_a_place_that_cannot_be_used(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"compute\.embedding_cache: .*file"):
        look_at(tmp_path / "file")
    with pytest.raises(InputError, match="neither a folder nor s3://"):
        look_at("https://example.org/cache")
    assert look_at(None) == []
    assert look_at(tmp_path / "new") == []


def test_a_folder_of_a_volume_is_not_looked_for_on_this_machine(tmp_path):
    (tmp_path / "file").write_text("")
    machine = {"queue": "gpus", "volumes": {"/mnt/shared": str(tmp_path)}}
    remote = {"target": "batch", "image": "evoflow:1", "gpus": {"A100": machine}}
    assert look_at(tmp_path / "file", **remote) == []


def test_start_says_what_cannot_be_written_and_the_cache_still_serves(folder, monkeypatch):
    def refuse(_self, name, _content):
        raise InputError(f"{name}: Read-only file system")

    add(opened(folder), 1)
    monkeypatch.setattr(FolderObjects, "write", refuse)
    (note,) = look_at(folder)
    assert "Read-only file system" in note
    assert found_in(opened(folder), 1) == {1}
