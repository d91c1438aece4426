"""What a model needs, and what does not fit."""

import pytest
import torch

from evoflow.devices import memory as machine
from evoflow.embed.evo import Evo2Config, EvoConfig
from evoflow.embed.evo2.published import KNOWN
from evoflow.embed.weights import memory
from evoflow.errors import InputError


def test_the_published_model_needs_its_published_size():
    needed = memory.needed_memory(EvoConfig(), torch.bfloat16, tokens=8192)
    assert needed["weights"] == pytest.approx(12.913e9, rel=1e-3)


@pytest.mark.parametrize(
    ("free", "dtype", "remedy"),
    [
        (16e9, torch.float32, "set model.dtype to bfloat16"),
        (
            8e9,
            torch.bfloat16,
            "use a device with more memory; in a run of several shards, `--max-workers 1`",
        ),
        (13.5e9, torch.bfloat16, "lower model.tokens_per_batch"),
    ],
)
def test_too_little_memory_is_said_with_numbers(monkeypatch, free, dtype, remedy):
    for module in (memory, machine):
        monkeypatch.setattr(module, "free_memory", lambda _: int(free))
    monkeypatch.setattr(machine, "LEAVING_SECONDS", 0)
    with pytest.raises(InputError, match=remedy) as error:
        memory.require_memory(EvoConfig(), dtype, torch.device("cpu"), 32768, "evo-1-8k-base")
    assert f"{free / 1e9:.1f} GB free" in str(error.value)


def test_enough_memory_is_enough():
    free = machine.free_memory(torch.device("cpu"))
    assert free is None or free > 0
    config = EvoConfig(hidden_size=32, num_layers=1, attn_layer_idxs=[], num_attention_heads=1)
    memory.require_memory(config, torch.float32, torch.device("cpu"), 10, "small")


@pytest.mark.parametrize(("name", "gigabytes"), [("evo2-7b-base", 12.969), ("evo2-7b", 13.170)])
def test_evo_2_needs_its_published_size_less_the_second_copy_of_the_embedding(name, gigabytes):
    needed = memory.needed_memory(Evo2Config(**KNOWN[name].config), torch.bfloat16, tokens=8192)
    assert needed["weights"] == pytest.approx(gigabytes * 1e9 - 512 * 4096 * 2, rel=1e-3)
