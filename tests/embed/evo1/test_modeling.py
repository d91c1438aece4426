"""The forward pass against what the published package computed (see tests/data)."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from evoflow.embed.evo import EvoConfig, EvoForCausalLM
from evoflow.embed.hyena import convolution
from evoflow.embed.hyena.operations import PLAIN
from evoflow.errors import InputError

GOLDEN = Path(__file__).parents[2] / "data" / "evo-tiny-8k-reference"


@pytest.fixture(scope="module")
def expected():
    return load_file(GOLDEN / "expected.safetensors")


@pytest.fixture(scope="module")
def model():
    return EvoForCausalLM.from_pretrained(GOLDEN)


@pytest.fixture(params=["product", "fft"])
def way(request, monkeypatch):
    if request.param == "fft":
        monkeypatch.setitem(convolution.LONGEST_PRODUCT, "cpu", 0)
        monkeypatch.setitem(convolution.FFT_ELEMENTS, "cpu", 2048)  # several parts of the channels


def relative_error(a, b):
    return float((a - b).norm() / b.norm())


@torch.inference_mode()
def check(model, expected, rows):
    mask = expected["attention_mask"][rows].bool()
    mask = mask[:, : int(mask.sum(1).max())]
    length = mask.shape[1]
    ids = expected["input_ids"][rows, :length].to(model.device)
    output = model(ids, output_hidden_states=True)
    names = [f"hidden_states.{k}" for k in range(5)]
    got = dict(zip(names, output.hidden_states, strict=True))
    got["final"] = model.backbone.finish(output.hidden_states[-1])
    got["logits"] = output.logits
    for name, value in got.items():
        wanted = expected[name][rows, :length]
        assert relative_error(value.cpu()[mask], wanted[mask]) <= 1e-5, name


@pytest.mark.parametrize("rows", [[0], [1], [2], [0, 1, 2], [2, 0, 1], [1, 1, 2, 1]])
@pytest.mark.usefixtures("way")
def test_every_layer_equals_the_published_package(model, expected, rows):
    check(model, expected, rows)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU is present")
@pytest.mark.parametrize("rows", [[0], [1], [0, 1, 2], [2, 0, 1] * 8])
def test_every_layer_equals_the_published_package_on_a_gpu(expected, rows):
    check(EvoForCausalLM.from_pretrained(GOLDEN, device_map="cuda:0"), expected, rows)


def test_right_padding_masks_change_nothing_and_left_padding_is_refused(model, expected):
    ids, mask = expected["input_ids"], expected["attention_mask"]
    with torch.inference_mode():
        assert torch.equal(model(ids).logits, model(ids, attention_mask=mask).logits)
        with pytest.raises(InputError, match="padding on the right"):
            model(ids, attention_mask=mask.flip(1))


@pytest.mark.usefixtures("way")
def test_bfloat16_stays_close_to_float32_and_keeps_poles_exact(expected):
    model = EvoForCausalLM.from_pretrained(GOLDEN, dtype=torch.bfloat16)
    mask = expected["attention_mask"].bool()
    with torch.inference_mode():
        *_, last = model.backbone(expected["input_ids"])
        final = model.backbone.finish(last)
    cosine = torch.cosine_similarity(final[mask].float(), expected["final"][mask], dim=-1).mean()
    assert cosine >= 0.9995


@pytest.mark.parametrize("cast", ["to", "bfloat16", "half"])
def test_casting_a_model_keeps_poles_and_residues_exact(cast):
    model = EvoForCausalLM.from_pretrained(GOLDEN)
    stored = load_file(GOLDEN / "model.safetensors")
    model.to(torch.bfloat16) if cast == "to" else getattr(model, cast)()
    for name in ("poles", "residues"):
        kept = getattr(model.backbone.blocks[0].filter, name)
        assert torch.equal(kept, stored[f"backbone.blocks.0.filter.{name}"])
    assert model.backbone.blocks[0].filter.D.dtype != torch.float32


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_changed_weights_are_seen_although_filters_are_kept(model, expected, mode):
    with mode():
        check_change(model, EvoForCausalLM.from_pretrained(GOLDEN), expected["input_ids"][:1])


def check_change(model, changed, ids):
    before = changed(ids).logits
    changed.backbone.blocks[0].filter.residues.mul_(0.5)
    after = changed(ids).logits
    assert relative_error(after, before) > 1e-3
    changed.load_state_dict(model.state_dict())
    assert torch.equal(changed(ids).logits, before)


def test_gradients_reach_every_weight():
    model = EvoForCausalLM.from_pretrained(GOLDEN)
    model(torch.randint(65, 85, (2, 9))).logits.square().mean().backward()
    assert all(weight.grad is not None for weight in model.parameters())


def small(**changes):
    sizes = {"hidden_size": 16, "num_layers": 2, "attn_layer_idxs": [1], "num_attention_heads": 2}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return EvoForCausalLM(EvoConfig(**(sizes | changes))).eval()


def test_interpolated_positions_are_divided():
    plain, scaled = (
        small(use_interpolated_rotary_pos_emb=scaled, rotary_emb_scaling_factor=16)
        .backbone.blocks[1]
        .inner_mha_cls.rotary_emb
        for scaled in (False, True)
    )
    x = torch.randn(1, 1, 1, 1, 8).expand(65, 1, 1, 1, 8)
    torch.testing.assert_close(scaled(x, PLAIN)[::16], plain(x, PLAIN)[:5])


def test_rotary_halves_by_hand():
    rotary = small(hidden_size=4, num_attention_heads=1).backbone.blocks[1].inner_mha_cls.rotary_emb
    x = torch.tensor([1.0, 2.0, 3.0, 4.0]).view(1, 1, 1, 1, 4).expand(2, 1, 1, 1, 4)
    a, b = 1.0, 0.01  # radians at position 1: 10000 ** 0 and 10000 ** -0.5
    expected = [
        math.cos(a) - 3 * math.sin(a),
        2 * math.cos(b) - 4 * math.sin(b),
        math.sin(a) + 3 * math.cos(a),
        2 * math.sin(b) + 4 * math.cos(b),
    ]
    torch.testing.assert_close(rotary(x, PLAIN)[1, 0, 0, 0], torch.tensor(expected))


@pytest.mark.parametrize(
    "changes",
    [
        {"short_filter_bias": False, "qkv_proj_bias": False, "mha_out_proj_bias": False},
        {"short_filter_length": 4, "state_size": 2},
        {"tie_embeddings": False, "final_norm": False},
        {"attn_layer_idxs": []},
    ],
)
def test_other_switches_are_causal_and_survive_saving(tmp_path, changes):
    model = small(**changes)
    model.save_pretrained(tmp_path)
    again = EvoForCausalLM.from_pretrained(tmp_path)
    ids = torch.randint(65, 85, (2, 20))
    with torch.inference_mode():
        whole = model(ids).logits
        torch.testing.assert_close(again(ids).logits, whole)
        torch.testing.assert_close(model(ids[:, :11]).logits, whole[:, :11])


@pytest.mark.slow
def test_long_inputs_need_no_quadratic_memory():
    """A matrix of 8,192 x 8,192 float32 would be 268 MB."""
    code = (
        "import resource, torch\n"
        "torch.set_num_threads(1)\n"
        "from evoflow.embed.evo1.tiny import evo_tiny\n"
        "model = evo_tiny(torch.float32, torch.device('cpu'))\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "with torch.inference_mode():\n"
        "    model(torch.full((1, 600), 65)); before = peak()\n"
        "    model(torch.full((1, 8192), 65)); print((peak() - before) * 1024)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 200e6


def test_several_layers_come_from_one_pass_of_no_more_blocks_than_needed(model, expected):
    ids, mask = expected["input_ids"], expected["attention_mask"].bool()
    ran = []
    hooks = [
        block.register_forward_hook(lambda *_, k=k: ran.append(k))
        for k, block in enumerate(model.backbone.blocks)
    ]
    with torch.inference_mode():
        found = model.outputs(ids, [0, "blocks.1", "blocks.2.mlp.l3", 2])
        assert ran == [0, 1, 2]
        through = model.outputs(ids, ["norm", "unembed"])
        assert ran == [0, 1, 2, 0, 1, 2, 3]
    for hook in hooks:
        hook.remove()
    names = {0: "hidden_states.0", "blocks.1": "hidden_states.2", 2: "hidden_states.2"}
    for name, wanted in (names | {"norm": "final", "unembed": "logits"}).items():
        got = (found | through)[name][mask]
        assert relative_error(got, expected[wanted][mask]) <= 1e-5
    with torch.inference_mode():
        block, x = model.backbone.blocks[2], found[2]
        whole = block(x)
        mixed = x + block.mix(block.pre_norm(x).transpose(0, 1), PLAIN).transpose(0, 1)
    assert relative_error(mixed + found["blocks.2.mlp.l3"], whole) <= 1e-6
