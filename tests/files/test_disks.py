"""What is said where a disk is full."""

import errno
from typing import NamedTuple

import pysam.samtools
import pytest

from evoflow.errors import InputError
from evoflow.files import disks, htslib


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def full(monkeypatch, tmp_path):
    """A folder for temporary files without room."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(disks.shutil, "disk_usage", lambda _: Usage(2 * 10**9, 2 * 10**9, 0))
    return tmp_path


def no_room(filename=None):
    return OSError(errno.ENOSPC, "No space left on device", filename)


def test_a_file_that_found_no_room_is_named():
    message = r"^out/table\.jsonl: its disk is full"
    with pytest.raises(InputError, match=message), disks.readable_full_disk():
        raise no_room("out/table.jsonl")


def test_the_folder_for_temporary_files_is_named(full):
    message = rf"^{full} is full: temporary files .* set TMPDIR"
    with pytest.raises(InputError, match=message), disks.readable_full_disk():
        raise no_room()


def test_other_errors_pass():
    with pytest.raises(FileNotFoundError), disks.readable_full_disk():
        raise FileNotFoundError(errno.ENOENT, "No such file", "x")


def test_a_disk_is_known_to_be_full_by_what_led_to_an_error():
    later = RuntimeError("could not save")
    later.__context__ = no_room()
    assert disks.is_full_disk(later)
    assert not disks.is_full_disk(RuntimeError())


def test_a_full_disk_is_not_blamed_on_the_reads(full, tmp_path):
    reads = tmp_path / "reads.bam"
    reads.write_bytes(b"")
    with pytest.raises(InputError, match=rf"^{full} is full") as error:
        htslib.run(pysam.samtools.view, str(reads), "-o", str(tmp_path / "o"), about="reads.bam")
    assert "reads.bam" not in str(error.value).removeprefix(str(tmp_path))
