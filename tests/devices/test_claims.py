"""Whose turn it is, with real processes on a fake list of GPUs."""

import os
import re
import signal
import time
from multiprocessing import get_context

import pytest
import torch

from evoflow.devices import claims, gpus
from evoflow.devices.claims import claimed_device
from evoflow.devices.gpus import Gpu
from evoflow.errors import InputError
from tests.devices.claiming import work


@pytest.fixture(scope="module")
def server():
    """Forks processes that have imported torch already."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.devices.claiming"])
    return context


@pytest.fixture(autouse=True)
def runtime(tmp_path, monkeypatch):
    """A runtime folder of the test's own."""
    folder = tmp_path / "runtime"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


@pytest.fixture
def task(server, tmp_path):
    """Starts a task in a process of its own."""
    started = []

    def start(named="auto", seconds=0.3, count=1):
        process = server.Process(target=work, args=(tmp_path, named, seconds, count))
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.join()


def exit_codes(tasks):
    for process in tasks:
        process.join()
    return [process.exitcode for process in tasks]


def wait_for(path, text):
    """Wait until a file holds a text; return all of it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if path.exists() and text in (found := path.read_text()):
            return found
        time.sleep(0.02)
    raise AssertionError(f"{path} never held {text!r}")


def most_at_once(log, device):
    """How many tasks had a device at the same time, at most, and how many had it in all."""
    lines = [line for line in log.read_text().split() if line[1:] == device]
    at_once = most = 0
    for line in lines:
        at_once += 1 if line[0] == "+" else -1
        most = max(most, at_once)
    return most, len(lines) // 2


def test_one_gpu_serves_one_task_at_a_time_and_the_rest_say_that_they_wait(task, tmp_path):
    tasks = [task() for _ in range(4)]
    assert exit_codes(tasks) == [0] * 4
    assert most_at_once(tmp_path / "log", "cuda:0") == (1, 4)
    said = [(tmp_path / str(process.pid)).read_text() for process in tasks]
    waited = [text for text in said if "waiting for a GPU" in text]
    assert len(waited) == 3
    holder = re.search(r"cuda:0 \(Fake\) is used by process (\d+)", waited[0])[1]
    assert holder in {str(process.pid) for process in tasks}


def test_two_gpus_serve_two_tasks_at_a_time(task, tmp_path):
    tasks = [task(count=2) for _ in range(6)]
    assert exit_codes(tasks) == [0] * 6
    used = [most_at_once(tmp_path / "log", device) for device in ("cuda:0", "cuda:1")]
    assert [most for most, _ in used] == [1, 1]
    assert sum(tasks for _, tasks in used) == 6
    assert all(tasks >= 1 for _, tasks in used)


def test_a_named_gpu_is_waited_for_while_another_is_free(task, tmp_path):
    assert exit_codes([task("cuda:1", count=2) for _ in range(3)]) == [0] * 3
    assert most_at_once(tmp_path / "log", "cuda:1") == (1, 3)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_task_leaves_its_gpu_to_the_next(task, tmp_path, end):
    first = task(seconds=600)
    wait_for(tmp_path / "log", "+cuda:0")
    second = task(seconds=0)
    said = wait_for(tmp_path / str(second.pid), "waiting for a GPU")
    assert f"process {first.pid}" in said
    os.kill(first.pid, end)
    wait_for(tmp_path / str(second.pid), "computes on cuda:0 (Fake) after waiting for")
    assert exit_codes([second]) == [0]


def test_a_gpu_is_released_where_the_work_fails(monkeypatch):
    only = Gpu("cuda:0", "GPU-0", "Fake")
    monkeypatch.setattr(gpus, "visible_gpus", lambda: [only])
    monkeypatch.setattr(claims, "choose_device", torch.device)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), claimed_device("auto"):
            raise ZeroDivisionError


def test_a_full_gpu_is_a_message(monkeypatch):
    only = Gpu("cuda:0", "GPU-0", "Fake")
    monkeypatch.setattr(gpus, "visible_gpus", lambda: [only])
    monkeypatch.setattr(claims, "choose_device", torch.device)
    full = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nmore")
    message = r"cuda:0 has too little .*Tried to allocate 2 GiB"
    with pytest.raises(InputError, match=message), claimed_device("auto"):
        raise full


def test_the_cpu_is_shared(runtime):
    with claimed_device("cpu") as device, claimed_device("cpu"):
        assert device == torch.device("cpu")
    assert list(runtime.iterdir()) == []


def test_auto_is_the_cpu_where_no_gpu_is_visible(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with claimed_device("auto") as device:
        assert device == torch.device("cpu")
