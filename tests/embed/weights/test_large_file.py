"""One file over HTTP: gone on with, checked, and refused where it has no room."""

import errno

import pytest
from huggingface_hub import hf_hub_url

from evoflow.embed.weights import large_file
from evoflow.embed.weights.large_file import BrokenOffError, LargeFile
from tests.embed.loopback_hub import COMMITS, REPOSITORY, sha256

WEIGHTS = "model.safetensors"


@pytest.fixture
def part(hub, tmp_path):
    url = hf_hub_url(REPOSITORY, WEIGHTS, revision=COMMITS["main"])
    name = sha256(hub.files[WEIGHTS])
    return LargeFile(url, tmp_path / "models--lab--evo" / "blobs" / name, 500_000, None)


def test_it_goes_on_where_it_broke_off(hub, part):
    hub.cut_after = 300_000
    with pytest.raises(BrokenOffError) as broken:
        part.fetch()
    assert broken.value.progressed
    assert not part.path.exists()
    part.fetch()
    assert part.path.read_bytes() == hub.files[WEIGHTS]
    part.fetch()  # nothing is asked for again
    assert hub.bytes_asked == [0, 300_000]


def test_a_break_that_brought_nothing_is_no_progress(hub, part):
    hub.cut_after = 100
    with pytest.raises(BrokenOffError) as broken:
        part.fetch()
    assert not broken.value.progressed


def test_bytes_with_another_checksum_are_thrown_away(hub, part):
    hub.lies = 1
    with pytest.raises(BrokenOffError, match="does not have the checksum"):
        part.fetch()
    assert list(part.path.parent.iterdir()) == []


def test_where_the_disk_has_no_room_nothing_is_asked_for(hub, part, monkeypatch):
    usage = type("Usage", (), {"free": 499_999})
    monkeypatch.setattr(large_file.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OSError, match=r"0\.0 GB are needed") as refused:
        part.fetch()
    assert refused.value.errno == errno.ENOSPC
    assert hub.bytes_asked == []
