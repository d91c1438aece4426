"""Objects as files: their modes, and what is in their way."""

import os

import pytest

from evoflow.embed.objects.folder import FolderObjects
from evoflow.errors import InputError


def test_files_have_the_modes_of_the_umask(tmp_path):
    objects = FolderObjects(tmp_path)
    before = os.umask(0o002)
    try:
        objects.write("one", b"")
        objects.create("two", b"")
        objects.write_file("three", tmp_path / "one")
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o664}


def test_a_folder_among_the_objects_is_passed_over(tmp_path):
    objects = FolderObjects(tmp_path)
    objects.write("index/one", b"")
    (tmp_path / "index" / "@eaDir").mkdir()
    assert objects.names("index") == ["index/one"]


def test_a_folder_where_an_object_should_be_is_an_input_error(tmp_path):
    objects = FolderObjects(tmp_path)
    (tmp_path / "one").mkdir()
    for action in (lambda: objects.read("one"), lambda: objects.write("one", b"x")):
        with pytest.raises(InputError, match="one: Is a directory"):
            action()
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_a_disk_that_fills_up_leaves_the_object_as_it_was(tmp_path, monkeypatch):
    objects = FolderObjects(tmp_path)
    objects.write("one", b"before")

    def full(path, _content):
        path.touch()
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(InputError, match="one: No space left on device"):
        objects.write("one", b"after")
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
    assert objects.read("one") == b"before"
