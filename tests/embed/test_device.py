"""Which device and type are chosen, and what does not fit."""

import pytest
import torch

from evoflow.embed import device
from evoflow.embed.evo import EvoConfig
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


def test_the_published_model_needs_its_published_size():
    needed = device.needed_memory(EvoConfig(), torch.bfloat16, tokens=8192)
    assert needed["weights"] == pytest.approx(12.913e9, rel=1e-3)


@pytest.mark.parametrize(
    ("free", "dtype", "mend"),
    [
        (16e9, torch.float32, "set model.dtype to bfloat16"),
        (8e9, torch.bfloat16, "use a device with more memory$"),
        (13.5e9, torch.bfloat16, "lower model.tokens_per_batch"),
    ],
)
def test_too_little_memory_is_said_with_numbers(monkeypatch, free, dtype, mend):
    monkeypatch.setattr(device, "free_memory", lambda _: int(free))
    with pytest.raises(InputError, match=mend) as error:
        device.require_memory(EvoConfig(), dtype, torch.device("cpu"), 32768, "evo-1-8k-base")
    assert f"{free / 1e9:.1f} GB free" in str(error.value)


def test_enough_memory_is_enough():
    free = device.free_memory(torch.device("cpu"))
    assert free is None or free > 0
    config = EvoConfig(hidden_size=32, num_layers=1, attn_layer_idxs=[], num_attention_heads=1)
    device.require_memory(config, torch.float32, torch.device("cpu"), 10, "small")


@pytest.mark.parametrize(("threads", "tasks", "left"), [(8, 2, 4), (8, 3, 2), (2, 5, 1), (4, 1, 4)])
def test_tasks_on_one_machine_share_its_cores(monkeypatch, threads, tasks, left):
    asked = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    device.share_cores(tasks)
    assert asked == [left]
