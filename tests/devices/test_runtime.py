"""The folder in which processes leave word for each other."""

import pytest

from evoflow.devices.runtime import runtime_folder
from evoflow.errors import InputError


def test_it_is_where_the_session_says(monkeypatch, tmp_path):
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert runtime_folder() == tmp_path / "evoflow"
    assert runtime_folder().stat().st_mode & 0o777 == 0o700


def test_it_is_made_where_no_session_says(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert runtime_folder().is_dir()


def test_a_session_whose_folder_cannot_be_made_is_told(monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/proc/nowhere")
    with pytest.raises(InputError, match=r"/proc/nowhere/evoflow: cannot be made .* XDG_RUNTIME_"):
        runtime_folder()
