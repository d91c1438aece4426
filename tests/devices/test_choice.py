"""Which device and type are chosen."""

import pytest
import torch

from evoflow.devices import choice
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
    assert choice.choose_device("auto") == GPU
    assert choice.choose_dtype("auto", GPU) == chosen


def test_a_v100_has_no_bfloat16(gpu):
    gpu(7, 0)
    with pytest.raises(InputError, match="V100 has no bfloat16; set float32"):
        choice.choose_dtype("bfloat16", GPU)


def test_a_cpu_is_float32_unless_told():
    cpu = torch.device("cpu")
    assert choice.choose_dtype("auto", cpu) == torch.float32
    assert choice.choose_dtype("bfloat16", cpu) == torch.bfloat16


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "tpu", "meta", "hpu"])
def test_a_device_that_is_not_here_is_named(name):
    with pytest.raises(InputError, match=rf"model\.device: '{name}' cannot be used here .* cpu"):
        choice.choose_device(name)
