"""Objects in a folder and on S3, both alike, and storage that fails."""

import os
import threading

import pytest

from evoflow.embed.objects import FolderObjects, open_objects, require_writable
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


@pytest.mark.parametrize(
    "failures",
    [
        [(503, "SlowDown")] * 5,
        [(500, "InternalError"), "cut", (503, "ServiceUnavailable")],
        ["cut"] * 5,
    ],
)
def test_what_passes_is_asked_again(s3, failures, tmp_path):
    objects = open_objects(f"s3://lab/{tmp_path.name}")
    objects.write("one", CONTENT)
    for read in (lambda: objects.read("one"), lambda: _filled(objects, "one")):
        s3.failures = list(failures)
        assert read() == CONTENT
        assert not s3.failures


def _filled(objects, name):
    content = bytearray(objects.size(name))
    objects.read_into(name, 0, [memoryview(content)])
    return content


def test_what_stays_is_an_input_error(s3, tmp_path):
    objects = open_objects(f"s3://lab/{tmp_path.name}")
    objects.write("one", CONTENT)
    s3.failures = [(503, "SlowDown")] * 6
    with pytest.raises(InputError, match=r"/one: S3 answers 503 SlowDown, 6 times in a row"):
        objects.read("one")


@pytest.mark.parametrize("failure", [(400, "ExpiredToken"), (403, "AccessDenied")])
def test_a_refusal_is_not_asked_again(s3, failure, tmp_path):
    objects = open_objects(f"s3://lab/{tmp_path.name}")
    for method, action in (
        ("GET", lambda: objects.read("one")),
        ("PUT", lambda: objects.write("one", b"x")),
    ):
        s3.failures, s3.method, s3.asked = [failure] * 3, method, []
        with pytest.raises(InputError, match=f"/one: S3 answers {failure[0]} {failure[1]}"):
            action()
        assert len(s3.asked) == 1


def test_a_place_that_cannot_be_written_is_named_with_its_setting(s3, tmp_path):
    require_writable(f"s3://lab/{tmp_path.name}", "compute.weights")
    s3.failures, s3.method = [(403, "AccessDenied")], "PUT"
    with pytest.raises(
        InputError, match=r"^compute\.weights: s3://lab/\S+ cannot be written .*403"
    ):
        require_writable(f"s3://lab/{tmp_path.name}", "compute.weights")
    (tmp_path / "probe").write_text("a file where a folder should be")
    with pytest.raises(InputError, match=r"^compute\.weights: \S+ cannot be (written|listed)"):
        require_writable(str(tmp_path), "compute.weights")


def test_a_login_that_fails_is_named_where_it_was_needed(s3, monkeypatch):
    open_objects("s3://lab/open").write("one", CONTENT)
    monkeypatch.setenv("AWS_PROFILE", "nosuch")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    s3.failures, s3.method = [(403, "AccessDenied")], "PUT"
    with pytest.raises(InputError, match=r"403 AccessDenied; the AWS login fails .*nosuch"):
        require_writable("s3://lab/open", "compute.weights")
    s3.failures, s3.method = [(403, "AccessDenied")], "GET"
    with pytest.raises(InputError, match=r"compute\.weights: .*listed .*403.*login fails .*nosuch"):
        open_objects("s3://lab/open", "compute.weights")
