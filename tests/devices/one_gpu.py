"""A machine of one GPU that another process has: a fake one, whose work the CPU does."""

from types import SimpleNamespace

import pytest
import torch
from filelock import FileLock

from evoflow.devices import claims, gpus

WAITS = "waiting for a GPU: cuda:0 (Fake) is used by process 4711"


@pytest.fixture
def busy_gpu(tmp_path, monkeypatch):
    """Give the GPU to whoever waits for it; `during(owner, name)` lists its state at each call."""
    folder = tmp_path / "runtime"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    locks = claims.runtime_folder()
    (locks / "GPU-0.holder").write_text("4711", encoding="ascii")
    other = FileLock(locks / "GPU-0.lock")
    other.acquire()
    monkeypatch.setattr(gpus, "visible_gpus", lambda: [gpus.Gpu("cuda:0", "GPU-0", "Fake")])
    monkeypatch.setattr(claims, "choose_device", lambda _: torch.device("cpu"))
    clock = SimpleNamespace(monotonic=claims.time.monotonic, sleep=lambda _: other.release())
    monkeypatch.setattr(claims, "time", clock)

    def during(owner, name):
        states, real = [], getattr(owner, name)

        def watched(*positional, **named):
            states.append(_state(locks / "GPU-0.lock"))
            return real(*positional, **named)

        monkeypatch.setattr(owner, name, watched)
        return states

    yield SimpleNamespace(during=during)
    other.release()


def _state(path):
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except TimeoutError:
        return "taken"
    lock.release()
    return "free"
