"""Users whose home folder is missing, or takes no files."""

import os
import pwd
import tempfile
from pathlib import Path

import pytest

from evoflow.embed.weights.download import Wanted, constants
from evoflow.errors import InputError
from evoflow.files import home
from evoflow.files.cache import cache_folder
from evoflow.settings import DataSettings, load


@pytest.fixture(params=["unknown", "unwritable"])
def homeless(request, monkeypatch, tmp_path):
    """A user of a container; yields where temporary files are."""

    def nobody(number):
        raise KeyError(f"getpwuid(): uid not found: {number}")

    for name in ("EVOFLOW_CACHE", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "HOME"):
        monkeypatch.delenv(name, raising=False)
    if request.param == "unknown":
        monkeypatch.setattr(pwd, "getpwuid", nobody)
    else:
        monkeypatch.setenv("HOME", "/dev/null")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", f"{os.environ.get('HOME', '~')}/hub")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    home.temporary_home.cache_clear()
    yield tmp_path
    home.temporary_home.cache_clear()


def test_files_are_kept_among_the_temporary_ones(homeless, caplog):
    own = homeless / f"evoflow-{os.getuid()}"
    assert cache_folder() == own
    assert own.stat().st_mode & 0o777 == 0o700
    assert Wanted("lab/model", "main", ["*"]).cache == own / "hub"
    assert cache_folder() == own
    (warning,) = [record.message for record in caplog.records]
    assert "set EVOFLOW_CACHE" in warning


def test_a_cache_of_the_hub_that_is_there_is_read(homeless, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", "/proc/self")  # takes no files, but has some
    assert Wanted("lab/model", "main", ["*"]).cache == Path("/proc/self")
    assert Wanted("lab/model", "main", ["*"], cache_dir=homeless).cache == homeless


def test_a_folder_of_somebody_else_is_not_used(homeless):
    (homeless / f"evoflow-{os.getuid()}").symlink_to("/usr")
    with pytest.raises(InputError, match=r"somebody else|no folder"):
        cache_folder()


def test_a_home_that_nobody_knows_is_said():
    files = {"reference": "~nobody-here/r.fa", "clinvar": "c", "haplotypes": 1}
    with pytest.raises(InputError, match=r"reference: .*~nobody-here/r\.fa: .*whole path"):
        load(DataSettings, files)
    with pytest.raises(InputError, match=r"~nobody-here: .*whole path"):
        home.expand_home("~nobody-here")
