import os
import stat
from errno import ENOSPC
from pathlib import Path

import pytest

from evoflow.errors import InputError
from evoflow.files.atomic import (
    check_can_be_written,
    check_new,
    filled_folder,
    new_file,
    new_folder,
)


def names(folder: Path):
    return [each.name for each in folder.iterdir()]


def test_a_file_appears_when_it_is_whole_with_the_mode_of_the_umask(tmp_path):
    path = tmp_path / "table.tsv"
    path.write_text("old")
    mask = os.umask(0o027)
    try:
        with new_file(path) as beside:
            beside.write_text("new")
            assert path.read_text() == "old"
    finally:
        os.umask(mask)
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert names(tmp_path) == ["table.tsv"]


def test_after_an_error_the_old_file_stays_and_nothing_else(tmp_path):
    path = tmp_path / "table.tsv"
    path.write_text("old")

    def fail():
        with new_file(path) as beside:
            beside.write_text("half")
            raise KeyError("spoilt")

    with pytest.raises(KeyError, match="spoilt"):
        fail()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["table.tsv"]


def test_a_file_without_a_folder_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"x: cannot be written"), new_file(tmp_path / "no/x") as b:
        b.write_text("")


def test_a_folder_that_cannot_be_filled_stays_as_it_was(tmp_path):
    folder = tmp_path / "head"
    with filled_folder(folder) as made:
        (made / "weights").write_text("first")
        (made / "card").write_text("first")
    assert sorted(names(folder)) == ["card", "weights"]

    def fail():
        with filled_folder(folder) as made:
            (made / "card").write_text("second")
            raise OSError(ENOSPC, os.strerror(ENOSPC))

    with pytest.raises(InputError, match=r"head: cannot be written \(No space left"):
        fail()
    assert (folder / "card").read_text() == "first"
    assert sorted(names(folder)) == ["card", "weights"]
    (tmp_path / "file").touch()
    with (
        pytest.raises(InputError, match="file: cannot be written"),
        filled_folder(tmp_path / "file"),
    ):
        pass


def test_the_faster_folder_stays(tmp_path):
    folder = tmp_path / "a" / "made"
    with new_folder(folder) as slow:
        (slow / "slow").touch()
        with new_folder(folder) as fast:
            (fast / "fast").touch()
    assert names(folder) == ["fast"]
    assert names(tmp_path / "a") == ["made"]


def test_outputs_that_cannot_be_are_refused(tmp_path):
    check_can_be_written(tmp_path / "x", "--output")
    with pytest.raises(InputError, match=r"--output .*: the folder .* does not exist; create it"):
        check_can_be_written(tmp_path / "no" / "x", "--output")
    with pytest.raises(InputError, match="is a folder"):
        check_can_be_written(tmp_path, "--output")


def test_a_file_that_is_there_is_not_new(tmp_path):
    check_new(tmp_path / "x", "--output")
    (tmp_path / "x").touch()
    with pytest.raises(InputError, match=r"--output .*x: already exists"):
        check_new(tmp_path / "x", "--output")
    with pytest.raises(InputError, match="create it"):
        check_new(tmp_path / "no" / "x", "--output")
