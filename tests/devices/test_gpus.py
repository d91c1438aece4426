"""Which GPUs a process may use, on a pretended machine."""

from types import SimpleNamespace

import pytest
import torch

from evoflow.devices import gpus
from evoflow.errors import InputError


@pytest.fixture
def machine(monkeypatch):
    """Pretends that CUDA shows these UUIDs."""

    def show(*uuids):
        found = [SimpleNamespace(uuid=uuid, name="NVIDIA H100") for uuid in uuids]
        monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(found))
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(found))
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda i: found[i])

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return show


def test_a_gpu_has_the_same_identity_whatever_its_number(machine):
    machine("aaaa", "bbbb")
    both = gpus.visible_gpus()
    assert [(gpu.device, gpu.identity) for gpu in both] == [
        ("cuda:0", "GPU-aaaa"),
        ("cuda:1", "GPU-bbbb"),
    ]
    machine("bbbb")  # CUDA_VISIBLE_DEVICES=1
    (only,) = gpus.visible_gpus()
    assert (only.device, only.identity) == ("cuda:0", "GPU-bbbb")


def test_parts_of_one_gpu_are_told_apart(machine, monkeypatch):
    machine("aaaa", "aaaa")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-1, MIG-2")
    assert [gpu.identity for gpu in gpus.visible_gpus()] == ["MIG-1", "MIG-2"]


def test_no_gpu_is_no_gpu(machine):
    machine()
    assert gpus.visible_gpus() == []
    assert gpus.named_gpus("auto") == []
    assert gpus.named_gpus("cpu") == []


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:7"])
def test_a_gpu_that_is_hidden_is_a_message_with_the_reason(machine, monkeypatch, name):
    machine()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(
        InputError, match=rf"'{name}' is not available \(CUDA_VISIBLE_DEVICES is \)"
    ):
        gpus.named_gpus(name)


def test_a_name_stands_for_one_gpu_or_any(machine):
    machine("aaaa", "bbbb")
    assert [gpu.device for gpu in gpus.named_gpus("cuda:1")] == ["cuda:1"]
    for name in ("auto", "cuda"):
        assert [gpu.device for gpu in gpus.named_gpus(name)] == ["cuda:0", "cuda:1"]


def test_an_error_of_cuda_is_a_message(machine, monkeypatch):
    machine("aaaa")

    def fail(_):
        raise RuntimeError("CUDA error: unspecified launch failure\nmore")

    monkeypatch.setattr(torch.cuda, "get_device_properties", fail)
    with pytest.raises(InputError, match=r"cuda does not answer \(CUDA error: unspecified launch"):
        gpus.visible_gpus()


def test_the_roomiest_gpu_comes_first(monkeypatch):
    found = [gpus.Gpu(f"cuda:{i}", f"GPU-{i}", "NVIDIA H100") for i in range(3)]
    free = {"GPU-0": 2 << 30, "GPU-1": 70 << 30, "GPU-2": (70 << 30) + 1}
    monkeypatch.setattr(gpus, "_free_memory", free.get)
    assert [gpu.device for gpu in gpus.roomiest_first(found)] == ["cuda:1", "cuda:2", "cuda:0"]


def test_without_the_driver_the_order_stays():
    found = [gpus.Gpu(f"cuda:{i}", f"GPU-{i}", "NVIDIA H100") for i in range(2)]
    assert gpus.roomiest_first(found) == found
