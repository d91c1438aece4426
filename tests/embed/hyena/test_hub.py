"""Published checkpoints by name; nothing is fetched here."""

import pytest

from evoflow.embed.hyena import hub
from evoflow.embed.weights import download
from evoflow.errors import InputError


@pytest.fixture
def fetched(monkeypatch, tmp_path):
    """What is asked of the hub."""
    asked = {}

    def fetch(repo, **options):
        asked.update(options, repo=repo)
        return str(tmp_path / "snapshots" / "9f8e7d")

    monkeypatch.setattr(download, "snapshot_download", fetch)
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


@pytest.mark.parametrize("name", ["s3://lab/evo", "https://hf.co/a/b", "a/b/c", "evo-demo/", "x"])
def test_what_is_no_name_is_refused_with_the_known_ones(name):
    with pytest.raises(InputError, match=r"neither a folder, a rep.* (evo2-7b-base|'evo-demo'\?)"):
        hub.find_checkpoint(name)


def test_a_file_is_no_checkpoint_but_its_folder_may_be(tmp_path):
    weights = tmp_path / "model.safetensors"
    weights.touch()
    with pytest.raises(InputError, match=r"model\.safetensors is a file; name the folder that"):
        hub.find_checkpoint(str(weights))


def test_a_folder_is_named_by_its_whole_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert hub.find_checkpoint(".").folder == tmp_path


def test_what_is_not_in_the_cache_is_named():
    with pytest.raises(InputError, match=r"evo-1-8k-base at revision 1\.1_fix is not in"):
        hub.find_checkpoint("evo-1-8k-base")


def test_a_folder_has_no_revision(tmp_path):
    with pytest.raises(InputError, match=r"model\.revision: 1\.1_fix is asked for, but .* folder"):
        hub.find_checkpoint(str(tmp_path), "1.1_fix")


@pytest.mark.parametrize(
    "name",
    ["evo-tiny", "evo-demo", "evo-1-131k-base", "togethercomputer/evo-1-8k-base"],
)
def test_a_folder_named_like_a_known_checkpoint_is_refused(tmp_path, monkeypatch, name):
    (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=rf"{name} is a known checkpoint and also .* \./{name}"):
        hub.find_checkpoint(name)
    assert hub.find_checkpoint(f"./{name}").folder.samefile(name)
    assert hub.find_checkpoint(str(tmp_path / name)).folder.samefile(name)


def test_a_folder_named_like_a_repository_is_told_of(tmp_path, monkeypatch, caplog):
    (tmp_path / "models" / "evo").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert hub.find_checkpoint("models/evo").folder.samefile(tmp_path / "models" / "evo")
    assert f"models/evo is taken for the folder {tmp_path}/models/evo, not for" in caplog.text
