"""Objects in a folder and on S3, both alike."""

import threading

import pytest

from evoflow.embed.objects.folder import FolderObjects
from evoflow.embed.objects.places import open_objects
from evoflow.embed.objects.protocol import fill
from evoflow.errors import InputError


@pytest.fixture(params=["folder", "s3"])
def objects(request, tmp_path):
    if request.param == "folder":
        return FolderObjects(tmp_path / "store")
    request.getfixturevalue("s3")
    return open_objects(f"s3://lab/{tmp_path.name}")


CONTENT = bytes(range(256)) * 8


def test_parts_of_an_object_are_read(objects):
    objects.write("a/b/one", CONTENT)
    assert objects.size("a/b/one") == 2048
    assert objects.read("a/b/one") == CONTENT
    assert objects.read("a/b/one", 5, 700) == CONTENT[5:700]
    assert objects.read("a/b/one", 5000) == b""
    first, second = bytearray(3), bytearray(600)
    objects.read_into("a/b/one", 100, [memoryview(first), memoryview(second)])
    assert first + second == CONTENT[100:703]
    objects.read_into("a/b/one", 100, [memoryview(bytearray())])


def test_an_object_is_a_copy_of_a_file(objects, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    objects.write_file("copies/of it", path)
    assert objects.read("copies/of it") == CONTENT
    assert objects.names("copies") == ["copies/of it"]


def test_what_is_not_there_is_not_found(objects):
    assert objects.size("none") is None
    assert objects.names("none") == []
    with pytest.raises(FileNotFoundError):
        objects.read("none")
    with pytest.raises(FileNotFoundError):
        objects.read_into("none", 0, [memoryview(bytearray(1))])


def test_an_object_that_ends_too_early_is_an_input_error(objects):
    objects.write("short", b"abc")
    with pytest.raises(InputError, match="short"):
        objects.read_into("short", 1, [memoryview(bytearray(5))])


def test_one_of_many_creates_an_object(objects):
    made = []
    threads = [
        threading.Thread(target=lambda n=n: made.append(objects.create("claim", b"%d" % n)))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False] * 7 + [True]
    assert objects.size("claim") == 1


def test_a_buffer_is_filled_however_little_a_read_gives():
    content = iter([b"a", b"bc", b"d"])

    def read(buffer):
        part = next(content, b"")
        buffer[: len(part)] = part
        return len(part)

    filled = bytearray(4)
    fill(read, memoryview(filled))
    assert filled == b"abcd"
    with pytest.raises(EOFError):
        fill(read, memoryview(filled))
