"""The forward pass against what the published package computed (see tests/data)."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from evoflow.embed.evo import EvoForCausalLM, convolution
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
        monkeypatch.setattr(convolution, "FFT_ELEMENTS", 2048)  # several parts of the channels


def relative_error(a, b):
    return float((a - b).norm() / b.norm())


@torch.inference_mode()
def check(model, expected, rows):
    mask = expected["attention_mask"][rows].bool()
    mask = mask[:, : int(mask.sum(1).max())]
    length = mask.shape[1]
    output = model(expected["input_ids"][rows, :length], output_hidden_states=True)
    names = [f"hidden_states.{k}" for k in range(5)]
    got = dict(zip(names, output.hidden_states, strict=True))
    got["final"] = model.backbone.finish(output.hidden_states[-1])
    got["logits"] = output.logits
    for name, value in got.items():
        wanted = expected[name][rows, :length]
        assert relative_error(value[mask], wanted[mask]) <= 1e-5, name


@pytest.mark.parametrize("rows", [[0], [1], [2], [0, 1, 2], [2, 0, 1], [1, 1, 2, 1]])
@pytest.mark.usefixtures("way")
def test_every_layer_equals_the_published_package(model, expected, rows):
    check(model, expected, rows)


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
