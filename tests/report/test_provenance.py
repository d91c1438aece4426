import subprocess
from importlib.metadata import PackageNotFoundError

import evoflow
from evoflow.report import provenance
from evoflow.report.provenance import git_commit, software


def test_versions_are_named():
    assert software()["metaflow"] == "2.19.39"


def test_code_that_is_not_installed_has_a_version(monkeypatch):
    def installed(name):
        if name == "evoflow":
            raise PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr(provenance, "version", installed)
    assert software()["evoflow"] == evoflow.__version__


def test_a_folder_without_git_has_no_commit(tmp_path):
    assert git_commit(tmp_path) is None


def test_a_commit_is_named_and_said_to_be_dirty_when_files_differ(tmp_path):
    def git(*arguments):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "file").write_text("one")
    git("init")
    git("add", "file")
    git("-c", "user.name=n", "-c", "user.email=e", "commit", "-m", "m")
    clean = git_commit(tmp_path)
    assert len(clean) == 12
    (tmp_path / "file").write_text("two")
    assert git_commit(tmp_path) == f"{clean}-dirty"
