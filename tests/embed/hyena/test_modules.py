"""Modules are called where they are more than plain: adapters, hooks, offloading."""

import copy
from pathlib import Path

import accelerate
import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from evoflow.embed.evo import Evo2ForCausalLM, EvoForCausalLM
from evoflow.embed.hyena.modules import plain
from tests.conftest import ROOT

IDS = torch.tensor([[ord(letter) for letter in "ACGTACGTNACGTTGCA"], [84] * 17])
DATA = ROOT / "tests" / "data"


@pytest.fixture(scope="module", params=["evo1", "evo2"])
def model(request):
    if request.param == "evo1":
        return EvoForCausalLM.from_pretrained(DATA / "evo-tiny-8k-reference")
    folder = DATA / "evo2-tiny-8k-reference"
    return Evo2ForCausalLM.from_pretrained(folder, dtype=torch.float32)


@pytest.fixture
def own(model):
    return copy.deepcopy(model)


@torch.no_grad()
def logits(model):
    return model(input_ids=IDS).logits


def close(got, expected):
    torch.testing.assert_close(got, expected, atol=1e-3, rtol=1e-4)


class Adapted(nn.Module):
    """A linear layer and what an adapter of rank 1 adds."""

    def __init__(self, linear):
        super().__init__()
        self.linear = linear
        self.down = nn.Linear(linear.in_features, 1, bias=False)
        self.up = nn.Linear(1, linear.out_features, bias=False)

    @property
    def weight(self):
        return self.linear.weight

    @property
    def bias(self):
        return self.linear.bias

    def forward(self, x):
        return self.linear(x) + self.up(self.down(x))


LINEARS = ["mlp.l1", "mlp.l2", "mlp.l3", "projections", "out_filter_dense"]
LINEARS += ["inner_mha_cls.Wqkv", "inner_mha_cls.out_proj"]


@pytest.mark.parametrize("name", LINEARS)
def test_a_hand_made_adapter_counts_as_if_it_were_merged(own, model, name):
    layer = 0 if not name.startswith("inner") else own.config.attn_layer_idxs[0]
    block, _, leaf = f"{name}".rpartition(".")
    merged = copy.deepcopy(own)
    parent = own.backbone.blocks[layer].get_submodule(block)
    adapted = Adapted(getattr(parent, leaf))
    setattr(parent, leaf, adapted)
    with torch.no_grad():
        weight = merged.backbone.blocks[layer].get_submodule(name).weight
        weight += adapted.up.weight @ adapted.down.weight
    assert (logits(own) - logits(model)).abs().max() > 0.01
    close(logits(own), logits(merged))
    own(IDS).logits.square().mean().backward()
    assert adapted.up.weight.grad.abs().max() > 0


@pytest.mark.filterwarnings("ignore::FutureWarning")  # peft asks transformers by an old name
@pytest.mark.parametrize(
    "targets",
    [["l1", "l2", "l3"], ["Wqkv", "out_proj"], ["embedding_layer"], "all-linear"],
    ids=str,
)
def test_a_lora_adapter_changes_as_much_when_active_as_when_merged(own, model, targets):
    torch.manual_seed(0)
    lora = LoraConfig(r=4, target_modules=targets, init_lora_weights=False, task_type="CAUSAL_LM")
    adapted = get_peft_model(own, lora).eval()
    active = logits(adapted)
    assert (active - logits(model)).abs().max() > 0.1
    close(active, logits(adapted.merge_and_unload()))


def test_hooks_on_all_modules_fire_with_the_batch_first_and_change_nothing(own, model):
    seen = {}
    for name, module in own.named_modules():
        module.register_forward_hook(lambda _m, _i, out, name=name: seen.update({name: out}))
    close(logits(own), logits(model))
    uncalled = {"", "backbone"} | {n for n, m in own.named_modules() if type(m) is nn.ModuleList}
    assert {name for name, _ in own.named_modules()} - set(seen) <= uncalled
    prefix = "backbone." if isinstance(own, EvoForCausalLM) else ""
    states = own.outputs(IDS, ["blocks.2", "blocks.2.mlp.l3"])
    for name, output in states.items():
        assert seen[f"{prefix}{name}"].shape == (2, 17, own.config.hidden_size)
        close(seen[f"{prefix}{name}"], output)


def test_a_hook_may_replace_what_a_module_returns(own, model):
    mlp = own.backbone.blocks[1].mlp
    mlp.register_forward_hook(lambda _m, _i, out: out * 0)
    with torch.no_grad():
        weight = copy.deepcopy(model)
        weight.backbone.blocks[1].mlp.l3.weight.zero_()
    close(logits(own), logits(weight))


@pytest.mark.parametrize("way", ["cpu", "disk", "two places"])
def test_offloaded_weights_come_back_when_they_are_needed(own, model, way, tmp_path):
    cpu = torch.device("cpu")
    if way == "cpu":
        accelerate.cpu_offload(own, execution_device=cpu)
    elif way == "disk":
        accelerate.disk_offload(own, tmp_path, execution_device=cpu)
    else:
        prefix = "backbone." if isinstance(own, EvoForCausalLM) else ""
        places = {f"{prefix}embedding_layer": "cpu", f"{prefix}norm": "disk"}
        for layer in range(own.config.num_layers):
            places[f"{prefix}blocks.{layer}"] = "cpu" if layer % 2 else "disk"
        accelerate.dispatch_model(
            own, places, main_device="cpu", offload_dir=tmp_path, force_hooks=True
        )
    close(logits(own), logits(model))


def test_a_parametrised_weight_is_what_the_parametrisation_says(own, model):
    l1 = own.backbone.blocks[0].mlp.l1
    nn.utils.parametrizations.weight_norm(l1)
    close(logits(own), logits(model))
    with torch.no_grad():
        l1.parametrizations.weight.original0.mul_(2)
    changed = copy.deepcopy(model)
    with torch.no_grad():
        changed.backbone.blocks[0].mlp.l1.weight.mul_(2)
    close(logits(own), logits(changed))


def test_plain_modules_are_told_from_others():
    linear = nn.Linear(2, 2)
    assert plain(linear)
    hook = linear.register_forward_pre_hook(lambda *_: None)
    assert not plain(linear)
    hook.remove()
    assert plain(linear)
    everywhere = nn.modules.module.register_module_forward_hook(lambda *_: None)
    assert not plain(linear)
    everywhere.remove()
    linear.forward = lambda x: x
    assert not plain(linear)
    assert not plain(Adapted(nn.Linear(2, 2)))


def test_two_devices_at_once_are_refused_with_what_to_do():
    from evoflow.errors import InputError

    path = Path(DATA / "evo-tiny-8k-reference")
    with pytest.raises(InputError, match=r"loaded onto one device .*accelerate\.dispatch_model"):
        EvoForCausalLM.from_pretrained(path, device_map={"backbone": 0, "backbone.norm": 1})
