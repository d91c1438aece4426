"""Published checkpoints by name; nothing is fetched here."""

import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from evoflow.embed.hyena import hub
from evoflow.errors import InputError


@pytest.fixture
def fetched(monkeypatch, tmp_path):
    """What is asked of the hub."""
    asked = {}

    def fetch(repo, **options):
        asked.update(options, repo=repo)
        return str(tmp_path / "snapshots" / "9f8e7d")

    monkeypatch.setattr(hub, "snapshot_download", fetch)
    return asked


@pytest.mark.parametrize(
    ("name", "repository", "revision"),
    [
        ("evo-1-8k-base", "togethercomputer/evo-1-8k-base", "1.1_fix"),
        ("togethercomputer/evo-1-8k-base", "togethercomputer/evo-1-8k-base", "1.1_fix"),
        ("evo-1-131k-base", "togethercomputer/evo-1-131k-base", "1.1_fix"),
        ("evo-1.5-8k-base", "evo-design/evo-1.5-8k-base", "main"),
        ("togethercomputer/evo-1.5-8k-base", "evo-design/evo-1.5-8k-base", "main"),
        ("evo-1-8k-crispr", "LongSafari/evo-1-8k-crispr", "main"),
        ("LongSafari/evo-1-8k-transposon", "LongSafari/evo-1-8k-transposon", "main"),
        ("somebody/evo-1-8k-base", "somebody/evo-1-8k-base", "main"),
    ],
)
@pytest.mark.parametrize("asked", [None, "0123abc"])
def test_names_have_their_repository_and_revision(fetched, name, repository, revision, asked):
    checkpoint = hub.find_checkpoint(name, asked)
    assert (fetched["repo"], fetched["revision"]) == (repository, asked or revision)
    assert checkpoint.commit == "9f8e7d"
    assert not any(
        pattern.endswith((".pt", ".bin", ".py")) for pattern in fetched["allow_patterns"]
    )


def test_a_misspelt_name_is_corrected():
    with pytest.raises(InputError, match="did you mean 'evo-1-8k-base'"):
        hub.find_checkpoint("evo-1-8k-bse")


def test_what_cannot_be_fetched_is_named(monkeypatch):
    def fetch(*_args, **_options):
        raise LocalEntryNotFoundError("no network\nmore")

    monkeypatch.setattr(hub, "snapshot_download", fetch)
    with pytest.raises(InputError, match=r"evo-1-8k-base at revision 1\.1_fix cannot be fetched"):
        hub.find_checkpoint("evo-1-8k-base")
