"""What this project relies on in Metaflow's datastores; it fails if Metaflow changes them."""

import hashlib
import inspect
from pathlib import Path
from types import SimpleNamespace

import pytest
from metaflow.datastore.flow_datastore import FlowDataStore
from metaflow.datastore.task_datastore import TaskDataStore
from metaflow.plugins import DATASTORES

from evoflow.embed.store.datastore import Datastore, LostBlobError
from evoflow.errors import InputError

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def datastore(tmp_path):
    return Datastore("local", str(tmp_path), "SomeFlow")


def test_metaflow_still_has_the_calls_that_are_used():
    assert {"local", "s3"} <= {storage.TYPE for storage in DATASTORES}
    assert list(inspect.signature(FlowDataStore.save_data).parameters) == [
        "self",
        "data_iter",
        "len_hint",
    ]
    assert list(inspect.signature(FlowDataStore.load_data).parameters) == [
        "self",
        "keys",
        "force_raw",
    ]
    parameters = inspect.signature(FlowDataStore).parameters
    assert {"flow_name", "storage_impl", "ds_root"} <= set(parameters)
    assert isinstance(TaskDataStore.parent_datastore, property)


def test_bytes_are_stored_raw_where_metaflow_says(datastore, tmp_path):
    local = next(storage for storage in DATASTORES if storage.TYPE == "local")
    metaflow = FlowDataStore("SomeFlow", storage_impl=local, ds_root=str(tmp_path))
    ((uri, key),) = metaflow.save_data(iter([CONTENT]), len_hint=1)
    assert key == hashlib.sha1(CONTENT).hexdigest() == datastore.save(CONTENT)
    assert uri == datastore.address(key)
    assert Path(uri).read_bytes() == CONTENT
    assert datastore.load(key) == CONTENT


def test_a_running_step_names_its_datastore(tmp_path):
    local = next(storage for storage in DATASTORES if storage.TYPE == "local")
    parent = FlowDataStore("SomeFlow", storage_impl=local, ds_root=str(tmp_path))
    task = TaskDataStore(parent, "1", "embed", "2", attempt=0, mode="w")
    step = SimpleNamespace(_datastore=task)
    assert Datastore.of(step) == Datastore("local", str(tmp_path), "SomeFlow")


def test_equal_bytes_are_stored_once(datastore, tmp_path):
    assert datastore.save(CONTENT) == datastore.save(CONTENT)
    blobs = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix == ""]
    assert len([path for path in blobs if not path.name.endswith("_meta")]) == 1


def test_a_blob_without_metaflows_note_beside_it_is_read_all_the_same(datastore, tmp_path):
    key = datastore.save(CONTENT)
    for note in tmp_path.rglob("*_meta"):
        note.unlink()
    assert datastore.load(key) == CONTENT


def test_a_lost_and_a_damaged_blob_are_told_apart(datastore):
    key = datastore.save(CONTENT)
    Path(datastore.address(key)).write_bytes(b"x" + CONTENT[1:])
    with pytest.raises(LostBlobError, match=f"{key} is damaged: delete it"):
        datastore.load(key)
    with pytest.raises(LostBlobError, match="is gone"):
        datastore.load("0" * 40)


def test_a_disk_that_is_full_is_a_message(datastore, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkstemp", full)
    with pytest.raises(InputError, match=r"No space left on device.*resume"):
        datastore.save(CONTENT)


def test_a_disk_with_too_little_room_is_found_before_the_work(datastore, monkeypatch):
    datastore.require_room(1)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=3e9))
    with pytest.raises(InputError, match=r"has 3\.0 GB free, but the embeddings take 7\.9 GB"):
        datastore.require_room(7_860_000_000)
    Datastore("s3", "s3://bucket/x", "SomeFlow").require_room(10**15)
