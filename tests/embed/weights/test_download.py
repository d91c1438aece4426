"""Downloads from a hub on the loopback that misbehaves."""

import errno
import ssl
import time

import httpx2
import pytest
from huggingface_hub import constants

from evoflow.embed.weights import download, large_file
from evoflow.embed.weights.download import Wanted, fetch, missing_bytes
from evoflow.errors import InputError
from tests.embed.loopback_hub import COMMITS, REPOSITORY, sha256

FILES = ("config.json", "*.safetensors")
WEIGHTS = "model.safetensors"


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    """The pauses that would have been made."""
    made = []
    monkeypatch.setattr(download, "sleep", made.append)
    monkeypatch.setattr(time, "sleep", lambda _: None)  # those of Hugging Face's library
    return made


def wanted(revision="main", **options):
    return Wanted(REPOSITORY, revision, FILES, **options)


def test_the_named_files_come_once(hub):
    folder = fetch(wanted())
    assert folder.name == COMMITS["main"]
    assert {path.name for path in folder.iterdir()} == {"config.json", WEIGHTS}
    assert (folder / WEIGHTS).read_bytes() == hub.files[WEIGHTS]
    fetch(wanted())
    assert hub.bytes_asked == [0]


def test_a_cache_without_links_is_not_filled_again(hub, tmp_path):
    folder = fetch(wanted())
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).unlink()
    (folder / WEIGHTS).write_bytes(content)
    for blob in (tmp_path / "hub").glob("*/blobs/*"):
        blob.unlink()
    assert fetch(wanted(folder.name)) == folder
    assert hub.bytes_asked == [0]


def test_a_branch_is_pinned_by_its_commit(hub):
    first = fetch(wanted())
    hub.files[WEIGHTS] = b"other" * 100
    hub.commits["main"] = "c" * 40
    assert fetch(wanted(first.name)) == first
    assert (fetch(wanted()) / WEIGHTS).read_bytes() == b"other" * 100


def test_a_server_without_ranges_is_not_asked_for_ever(hub):
    hub.cut_after, hub.knows_ranges = 400_000, False
    with pytest.raises(InputError, match="broke off 6 times in a row"):
        fetch(wanted())
    hub.cut_after = None
    assert (fetch(wanted()) / WEIGHTS).read_bytes() == hub.files[WEIGHTS]


def test_a_download_goes_on_where_it_broke_off(hub):
    hub.cut_after = 200_000
    assert (fetch(wanted()) / WEIGHTS).read_bytes() == hub.files[WEIGHTS]
    assert hub.bytes_asked == [0, 200_000, 400_000]


def test_more_breaks_than_attempts_do_not_matter_while_it_gets_on(hub, pauses):
    hub.cut_after = 50_000
    assert (fetch(wanted()) / WEIGHTS).read_bytes() == hub.files[WEIGHTS]
    assert hub.bytes_asked == list(range(0, 500_000, 50_000))
    assert set(pauses) == {0.5}


def test_a_download_that_stalls_is_given_up_and_kept(hub, monkeypatch, pauses, tmp_path):
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.1)
    hub.cut_after, hub.stall = 1000, True
    with pytest.raises(
        InputError,
        match=r"lab/evo at revision main broke off 6 times in a row \(ReadTimeout.*what was "
        "received is kept: check the network and start again",
    ):
        fetch(wanted())
    assert pauses == [0.5, 1, 2, 4, 8]
    (partial,) = (tmp_path / "hub").rglob("*.incomplete")
    assert partial.read_bytes() == hub.files[WEIGHTS][:6000]
    hub.cut_after = None
    assert (fetch(wanted()) / WEIGHTS).read_bytes() == hub.files[WEIGHTS]
    assert hub.bytes_asked[-1] == 6000
    assert not list((tmp_path / "hub").rglob("*.incomplete"))


@pytest.mark.parametrize("mute", ["/api", f"/{REPOSITORY}/resolve"])
def test_a_hub_that_never_answers_is_given_up(hub, monkeypatch, mute):
    folder = fetch(wanted())
    for name in ("DOWNLOAD", "ETAG"):
        monkeypatch.setattr(constants, f"HF_HUB_{name}_TIMEOUT", 0.05)
    hub.mute = mute
    assert fetch(wanted()) == folder  # what is here is enough
    assert missing_bytes(wanted()) == 0
    with pytest.raises(InputError, match=r"broke off 6 times in a row \(.*timed out"):
        fetch(wanted("1.1_fix"))


def test_wrong_bytes_are_fetched_again(hub):
    hub.lies = 2
    assert (fetch(wanted()) / WEIGHTS).read_bytes() == hub.files[WEIGHTS]
    assert hub.bytes_asked == [0, 0, 0]


def test_a_partial_file_that_is_damaged_is_fetched_anew(hub, tmp_path):
    blobs = tmp_path / "hub" / "models--lab--evo" / "blobs"
    blobs.mkdir(parents=True)
    name = f"{sha256(hub.files[WEIGHTS])}.partial.incomplete"
    for damaged in (b"x" * 1000, b"x" * 600_000):
        (blobs / name).write_bytes(damaged)
        assert (fetch(wanted()) / WEIGHTS).read_bytes() == hub.files[WEIGHTS]
        (blobs / sha256(hub.files[WEIGHTS])).unlink()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_hub_is_asked_again(hub, monkeypatch, status):
    hub.status = status
    made = []

    def recover(pause):
        made.append(pause)
        if len(made) == 3:
            hub.status = None

    monkeypatch.setattr(download, "sleep", recover)
    assert (fetch(wanted()) / WEIGHTS).read_bytes() == hub.files[WEIGHTS]


def test_a_hub_that_stays_busy_is_a_message(hub):
    hub.status = 503
    with pytest.raises(InputError, match=r"broke off 6 times in a row \(.*503"):
        fetch(wanted())


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (200, r"does not answer as a hub does \(.*check HF_ENDPOINT"),
        (404, "cannot be fetched .*404.*HF_ENDPOINT"),
        (407, "cannot be fetched .*407 Proxy"),
    ],
)
def test_a_server_that_is_no_hub_is_not_asked_again(hub, status, said, pauses):
    hub.status = status
    with pytest.raises(InputError, match=said):
        fetch(wanted())
    assert not pauses


@pytest.mark.usefixtures("hub")
def test_a_server_without_a_trusted_certificate_is_not_asked_again(monkeypatch, pauses):
    def refuse(*_, **__):
        raise httpx2.ConnectError("failed") from ssl.SSLCertVerificationError(1, "self-signed")

    monkeypatch.setattr(
        ssl.SSLCertVerificationError, "verify_message", "self-signed", raising=False
    )
    monkeypatch.setattr(httpx2.Client, "send", refuse)
    with pytest.raises(InputError, match=r"not trusted \(self-signed\).*SSL_CERT_FILE"):
        fetch(wanted())
    assert not pauses


def test_what_is_in_the_cache_needs_no_hub(hub, monkeypatch):
    folder = fetch(wanted())
    hub.status = 503
    assert fetch(wanted()) == folder
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert fetch(wanted()) == folder
    assert fetch(wanted(COMMITS["main"])) == folder


@pytest.mark.usefixtures("hub")
def test_offline_mode_is_named_where_the_cache_lacks_a_file(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=r"is not in .*hub and HF_HUB_OFFLINE is set"):
        fetch(wanted())


def test_a_gated_repository_asks_for_a_token(hub, monkeypatch):
    hub.token = "hf_secret"
    with pytest.raises(InputError, match=r"GatedRepoError.*set HF_TOKEN") as refused:
        fetch(wanted())
    assert "hf_secret" not in str(refused.value)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert (fetch(wanted()) / WEIGHTS).read_bytes() == hub.files[WEIGHTS]


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize(
    ("repository", "revision", "message"),
    [
        (REPOSITORY, "nowhere", "at revision nowhere cannot be fetched .RevisionNotFoundError"),
        ("lab/other", "main", "lab/other at revision main cannot be fetched .Repository"),
        ("lab/a b", "main", "model.checkpoint: .*lab/a b"),
    ],
)
def test_what_is_not_there_is_said_at_once(repository, revision, message, pauses):
    with pytest.raises(InputError, match=message):
        fetch(Wanted(repository, revision, FILES))
    assert not pauses


def test_a_disk_that_is_too_small_is_a_message(hub, monkeypatch):
    usage = type("Usage", (), {"free": 400_000})
    monkeypatch.setattr(large_file.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(InputError, match=r"cannot be kept in .*HF_HOME to another folder"):
        fetch(wanted())
    assert not hub.bytes_asked


@pytest.mark.usefixtures("hub")
def test_a_cache_that_may_not_be_written_is_a_message(monkeypatch):
    def refuse(*_args, **_options):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(large_file.Path, "mkdir", refuse)
    with pytest.raises(InputError, match=r"cannot be kept in .*Read-only file system.*HF_HOME"):
        fetch(wanted())
