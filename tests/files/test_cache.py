"""Where things are kept between runs."""

from pathlib import Path

from evoflow.files.cache import cache_folder


def test_folder_that_is_set(monkeypatch, tmp_path):
    monkeypatch.setenv("EVOFLOW_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.setenv("EVOFLOW_CACHE", "~/kept")
    assert cache_folder() == Path.home() / "kept"


def test_folder_of_the_user(monkeypatch):
    monkeypatch.delenv("EVOFLOW_CACHE")
    assert cache_folder().name == "evoflow"
    assert cache_folder().is_absolute()
