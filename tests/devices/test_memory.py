"""Free memory, and tasks that take it in turn."""

import os
import signal
import time
from multiprocessing import get_context

import pytest
import torch

from evoflow.devices import ledger, memory
from evoflow.devices.memory import MemoryClaim
from tests.devices.claiming import hold_memory

GB = 1_000_000_000
FREE_MEMORY = memory.free_memory


@pytest.fixture(autouse=True)
def runtime(tmp_path, monkeypatch):
    folder = tmp_path / "runtime"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """A machine with 10 GB free."""
    monkeypatch.setattr(memory, "free_memory", lambda _: 10 * GB)


@pytest.fixture
def other(tmp_path):
    """Another process that claims memory and takes none of it."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.devices.claiming"])
    process = context.Process(target=hold_memory, args=(tmp_path, 6 * GB))
    process.start()
    deadline = time.monotonic() + 60
    while not (tmp_path / "held").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield process
    process.kill()
    process.join()


def test_a_containers_limit_counts(monkeypatch):
    monkeypatch.setattr(ledger, "memory_available", lambda: 12_345)
    assert FREE_MEMORY(torch.device("cpu")) == 12_345


def test_what_is_free_is_given_at_once():
    claim = MemoryClaim.wait_for(10 * GB)
    assert claim.needed == 10 * GB


def test_a_claim_that_is_given_back_leaves_nothing():
    claim = MemoryClaim.wait_for(GB)
    assert len(list(ledger.ledger().glob(f"{os.getpid()}-*"))) == 2
    claim.release()
    assert not list(ledger.ledger().glob(f"{os.getpid()}-*"))


def test_a_claim_may_be_given_back_while_it_is_looked_at(monkeypatch):
    other = MemoryClaim.wait_for(6 * GB)
    lock = memory.FileLock

    def late(path, **options):
        if path.name.startswith(str(os.getpid())):
            other.release()
        return lock(path, **options)

    monkeypatch.setattr(memory, "FileLock", late)
    assert memory._promised() == {}


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(memory, "LEAVING_SECONDS", 0.1)


@pytest.mark.usefixtures("impatient")
def test_what_is_not_there_and_nobody_claims_is_refused():
    said = []
    assert MemoryClaim.wait_for(11 * GB, say=said.append) is None
    assert said == ["waiting for memory: 11.0 GB are needed; 10.0 GB are free"]


def test_a_task_that_claims_no_more_is_given_time_to_leave(other, monkeypatch):
    frees = iter([10 * GB, 4 * GB, 4 * GB])
    monkeypatch.setattr(memory, "free_memory", lambda _: next(frees, 10 * GB))

    def say(_):  # it has embedded, and its process still has all that it took
        os.kill(other.pid, signal.SIGKILL)
        other.join()

    assert MemoryClaim.wait_for(5 * GB, say=say) is not None
    assert next(frees, None) is None


@pytest.mark.usefixtures("impatient")
def test_a_process_does_not_wait_for_itself():
    first = MemoryClaim.wait_for(6 * GB)
    assert MemoryClaim.wait_for(6 * GB) is None
    first.release()
    assert MemoryClaim.wait_for(6 * GB) is not None


@pytest.mark.usefixtures("other")
def test_what_fits_beside_another_task_is_given():
    said = []
    assert MemoryClaim.wait_for(4 * GB, say=said.append) is not None
    assert said == []


def test_what_does_not_fit_waits_until_the_other_task_is_gone(other):
    said = []

    def say(text):
        said.append(text)
        os.kill(other.pid, signal.SIGKILL)

    assert MemoryClaim.wait_for(5 * GB, say=say) is not None
    (line,) = said
    assert line.startswith("waiting for memory: 5.0 GB are needed; 10.0 GB are free, of which")
    assert str(other.pid) in line
    assert line.endswith("are about to take 6.0 GB")


def test_what_a_task_has_taken_is_not_counted_twice():
    before = memory._anonymous(os.getpid())
    if not before:
        pytest.skip("this system does not say what a process has taken")
    claim = MemoryClaim.wait_for(100_000_000)
    (promised,) = memory._promised().values()
    taken = torch.ones(20_000_000)  # 80 MB
    (left,) = memory._promised().values()
    assert promised - left == pytest.approx(80_000_000, abs=8_000_000)
    assert taken.numel()
    claim.release()
    assert memory._promised() == {}
