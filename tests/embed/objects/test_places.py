"""Places that cannot be used are named with their setting."""

import pytest

from evoflow.embed.objects.folder import FolderObjects
from evoflow.embed.objects.places import open_objects, require_writable
from evoflow.errors import InputError


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


def test_a_folder_is_made_and_another_url_is_refused(tmp_path):
    assert isinstance(open_objects(str(tmp_path / "new")), FolderObjects)
    assert (tmp_path / "new").is_dir()
    for url in ("https://x/y", "s3://", "s3:///y"):
        with pytest.raises(InputError, match=rf"^compute\.weights: {url} is neither a folder"):
            open_objects(url, "compute.weights")


@pytest.mark.usefixtures("s3")
def test_variables_are_replaced_and_keys_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("SCRATCH", str(tmp_path))
    open_objects("${SCRATCH}/cache").write("one", b"content")
    assert (tmp_path / "cache" / "one").read_bytes() == b"content"
    monkeypatch.setenv("BUCKET", "lab")
    open_objects(f"s3://${{BUCKET}}/{tmp_path.name}/a#b").write("one", b"b")
    open_objects(f"s3://lab/{tmp_path.name}/a?c").write("one", b"c")
    assert open_objects(f"s3://lab/{tmp_path.name}/a#b").read("one") == b"b"
    monkeypatch.delenv("SCRATCH")
    with pytest.raises(InputError, match=r"^compute\.weights: .* uses SCRATCH, which is not set"):
        open_objects("${SCRATCH}/cache", "compute.weights")


def test_a_login_that_fails_is_named_where_it_was_needed(s3, monkeypatch):
    open_objects("s3://lab/open").write("one", b"content")
    monkeypatch.setenv("AWS_PROFILE", "nosuch")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    s3.failures, s3.method = [(403, "AccessDenied")], "PUT"
    with pytest.raises(InputError, match=r"403 AccessDenied: planned; the AWS login.*nosuch"):
        require_writable("s3://lab/open", "compute.weights")
    s3.failures, s3.method = [(403, "AccessDenied")], "GET"
    with pytest.raises(InputError, match=r"compute\.weights: .*listed .*403.*login fails .*nosuch"):
        open_objects("s3://lab/open", "compute.weights")
