"""What a killed process leaves behind."""

import os
import signal
import time
from multiprocessing import get_context

import pytest

from evoflow.devices.ledger import killed_claims
from evoflow.devices.memory import MemoryClaim
from tests.devices.claiming import hold_memory


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_process_is_known_by_what_it_needed(tmp_path, monkeypatch, end):
    (tmp_path / "runtime").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    process = get_context("spawn").Process(target=hold_memory, args=(tmp_path, 123))
    process.start()
    deadline = time.monotonic() + 60
    while not (tmp_path / "held").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert killed_claims(os.getpid()) == []  # it lives
    os.kill(process.pid, end)
    process.join()
    assert killed_claims(os.getppid()) == []  # it is another's child
    assert killed_claims(os.getpid()) == [123]
    assert killed_claims(os.getpid()) == []  # told once


def test_a_claim_that_ends_leaves_nothing(tmp_path, monkeypatch):
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    claim = MemoryClaim(123)
    del claim
    assert killed_claims(os.getppid()) == []
