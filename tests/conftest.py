"""What all tests share: a cache and a home of their own, and the way to the real data."""

import os
import sys
import tempfile
import warnings
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

# Set before anything is imported, and inherited by the processes that tests start.
_HOME = tempfile.mkdtemp(prefix="evoflow-tests-")
os.environ["EVOFLOW_CACHE"] = f"{_HOME}/cache"
os.environ["METAFLOW_HOME"] = f"{_HOME}/metaflow-home"
os.environ["METAFLOW_DATASTORE_SYSROOT_LOCAL"] = _HOME
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["XDG_RUNTIME_DIR"] = f"{_HOME}/runtime"
os.mkdir(f"{_HOME}/runtime", mode=0o700)  # noqa: PTH102 - nothing but os is imported yet
os.environ.setdefault("USERNAME", "tester")

with warnings.catch_warnings():
    # Metaflow's own copy of yaml finds the installed libyaml binding under its old name.
    warnings.filterwarnings("ignore", message="The _yaml extension", category=DeprecationWarning)
    import metaflow  # noqa: F401

    import evoflow  # noqa: F401 - before torch, whose threads it has sleep on a busy machine

ROOT = Path(__file__).resolve().parent.parent
REAL = ROOT.parent / "shared" / "real"


ONE_RUN = {
    "test_batch": "demo",
    "test_demo_run": "demo",
    "test_documented": "demo",
    "test_resume": "demo",
    "test_hostile_run": "hostile",
    "test_targets": "hostile",
}
"""Files that look at the same run of the flow, which one process makes for all."""


class ByFile(LoadFileScheduling):
    """Gives a process whole files, and those that look at one run to the same process."""

    def _split_scope(self, nodeid):
        file = super()._split_scope(nodeid)
        return ONE_RUN.get(Path(file).stem, file)


def pytest_xdist_make_scheduler(config, log):
    return ByFile(config, log)


def pytest_collection_modifyitems(items):
    """Where tests run in several processes, begin with the longest."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: item.path.parent.name != "flow")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    """Give torch one thread: models as small as those here are no faster with two."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def real() -> Path:
    """Folder of the reads, variants and ClinVar records of one real person."""
    if not REAL.is_dir():
        pytest.skip("the real data is not beside this checkout")
    return REAL
