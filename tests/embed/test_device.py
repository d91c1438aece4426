"""Which device and type are chosen."""

import pytest
import torch

from evoflow.embed import device
from evoflow.errors import InputError

GPU = torch.device("cuda:0")


@pytest.fixture
def gpu(monkeypatch):
    """A machine with one GPU, whose compute capability is set by calling the fixture."""

    def set_capability(*capability):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Tesla V100")

    return set_capability


@pytest.mark.parametrize(
    ("capability", "chosen"),
    [((7, 0), torch.float32), ((7, 5), torch.float32), ((8, 0), torch.bfloat16)],
)
def test_auto_is_bfloat16_where_the_gpu_has_it(gpu, capability, chosen):
    gpu(*capability)
    assert device.choose_device("auto") == GPU
    assert device.choose_dtype("auto", GPU) == chosen


def test_a_v100_has_no_bfloat16(gpu):
    gpu(7, 0)
    with pytest.raises(InputError, match="V100 has no bfloat16; set float32"):
        device.choose_dtype("bfloat16", GPU)


def test_a_cpu_is_float32_unless_told():
    cpu = torch.device("cpu")
    assert device.choose_dtype("auto", cpu) == torch.float32
    assert device.choose_dtype("bfloat16", cpu) == torch.bfloat16


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "tpu"])
def test_a_device_that_is_not_here_is_named(name):
    with pytest.raises(InputError, match=rf"model\.device: '{name}' cannot be used here .* cpu"):
        device.choose_device(name)


@pytest.mark.parametrize(("threads", "tasks", "left"), [(8, 2, 4), (8, 3, 2), (2, 5, 1), (4, 1, 4)])
def test_tasks_on_one_machine_share_its_cores(monkeypatch, threads, tasks, left):
    asked = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    device.share_cores(tasks)
    assert asked == [left]
