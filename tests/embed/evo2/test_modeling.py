"""The forward pass against what the published package computed (see tests/data)."""

from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file

from evoflow.embed.evo import Evo2Config, Evo2ForCausalLM
from evoflow.embed.evo2.convert import convert_checkpoint, read_pickle
from evoflow.embed.hyena import convolution

GOLDEN = Path(__file__).parents[2] / "data" / "evo2-tiny-8k-reference"
LAYERS = {f"hidden_states.{k}": k for k in range(9)} | {
    "final": "norm",
    "logits": "unembed",
    "blocks.6.mlp.l3": "blocks.6.mlp.l3",
}


@pytest.fixture(scope="module")
def expected():
    return load_file(GOLDEN / "expected.safetensors")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return convert_checkpoint(GOLDEN, tmp_path_factory.mktemp("evo2") / "made").folder


@pytest.fixture(scope="module")
def model(folder):
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


@pytest.fixture(params=["product", "fft"])
def way(request, monkeypatch):
    if request.param == "fft":
        monkeypatch.setitem(convolution.LONGEST_PRODUCT, "cpu", 0)
        monkeypatch.setitem(convolution.FFT_ELEMENTS, "cpu", 2048)  # several parts of the channels


def relative_error(a, b):
    return float((a - b).norm() / b.norm())


@torch.inference_mode()
def check(model, expected, rows):
    length = int(expected["attention_mask"][rows].sum(1).max())
    ids = expected["input_ids"][rows, :length].to(model.device)
    output = model(ids, output_hidden_states=True)
    got = model.outputs(ids, list(LAYERS.values()))
    assert relative_error(output.logits, got["unembed"]) <= 1e-6
    for k, states in enumerate(output.hidden_states):
        assert relative_error(states, got[k]) <= 1e-6
    kept = expected["expected_mask"]
    for name, layer in LAYERS.items():
        whole = torch.zeros(*kept.shape, expected[name].shape[-1])
        whole[kept] = expected[name]
        mask = kept[rows, :length]
        error = relative_error(got[layer].cpu()[mask], whole[rows, :length][mask])
        assert error <= 1e-5, name


ROWS = [[k] for k in range(11)] + [[3, 0, 7, 9, 1], [9, 8, 9, 2]]


@pytest.mark.parametrize("rows", ROWS, ids=str)
@pytest.mark.usefixtures("way")
def test_every_layer_equals_the_published_package(model, expected, rows):
    assert isinstance(model, Evo2ForCausalLM)
    check(model, expected, rows)


def test_every_layer_equals_the_published_package_in_one_padded_batch(model, expected):
    check(model, expected, list(range(10, -1, -1)))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU is present")
@pytest.mark.parametrize("rows", [[0], [7], [9], list(range(11)), [3, 7] * 4], ids=str)
def test_every_layer_equals_the_published_package_on_a_gpu(folder, expected, rows):
    check(
        Evo2ForCausalLM.from_pretrained(folder, dtype="float32", device_map="cuda:0"),
        expected,
        rows,
    )


@pytest.mark.usefixtures("way")
def test_bfloat16_stays_close_to_float32(folder, expected):
    model = Evo2ForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    lengths = expected["attention_mask"].sum(1).tolist()
    with torch.inference_mode():  # row by row: the longest has 1,000 bases, most have about 100
        final = [
            model.outputs(ids[None, :length], ["final"])["final"][0, kept[:length]]
            for ids, kept, length in zip(
                expected["input_ids"], expected["expected_mask"], lengths, strict=True
            )
        ]
    got = torch.cat(final).float()
    assert torch.cosine_similarity(got, expected["final"], dim=-1).mean() >= 0.9995


@pytest.mark.parametrize("dtype", [None, torch.float32, torch.bfloat16, torch.float16])
def test_poles_and_frequencies_are_those_of_the_file_in_any_type(folder, dtype):
    stored = read_pickle(GOLDEN / "evo2_7b_base.pt")
    model = Evo2ForCausalLM.from_pretrained(folder, dtype=dtype)
    model = model if dtype is None else model.to(dtype)
    for name, tensor in model.state_dict().items():
        exact = name.endswith(("log_poles", "residues", "inv_freq"))
        assert tensor.dtype == (stored[name].dtype if exact else dtype or torch.bfloat16)
        assert torch.equal(tensor, stored[name].to(tensor.dtype))


def test_frequencies_are_not_recomputed(folder, expected):
    model = Evo2ForCausalLM.from_pretrained(folder, dtype=torch.float32)
    ids = expected["input_ids"][9:10, :300]
    with torch.inference_mode():
        before = model(ids).logits
        for block in (model.blocks[3], model.blocks[7]):
            rotary = block.inner_mha_cls.rotary_emb
            rotary.inv_freq = 10000 ** (-torch.arange(0, 16, 2) / 16)
        assert relative_error(model(ids).logits, before) > 3e-5


def small(**changes):
    sizes = {
        "hidden_size": 24,
        "num_layers": 5,
        "attn_layer_idxs": [3],
        "hcl_layer_idxs": [0, 4],
        "hcm_layer_idxs": [1],
        "hcs_layer_idxs": [2],
        "hcm_filter_groups": 6,
        "hcs_filter_groups": 4,
        "num_attention_heads": 3,
        "inner_mlp_size": 40,
        "state_size": 3,
    }
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Evo2ForCausalLM(Evo2Config(**(sizes | changes))).eval()


OTHERS = [
    {},
    {"hcl_filter_groups": 8, "hcs_filter_length": 5, "hcm_filter_length": 200},
    {"use_interpolated_rotary_pos_emb": True, "rotary_emb_scaling_factor": 128},
    {"qkv_proj_bias": True, "mha_out_proj_bias": False, "short_filter_length": 4},
    {"tie_embeddings": False, "final_norm": False, "vocab_size": 100},
]


@pytest.mark.parametrize("changes", OTHERS, ids=str)
def test_other_sizes_are_causal_and_survive_saving(tmp_path, changes):
    model = small(**changes)
    model.save_pretrained(tmp_path)
    again = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    ids = torch.randint(65, 85, (2, 200))
    with torch.inference_mode():
        whole = model(ids).logits
        torch.testing.assert_close(again(ids).logits, whole)
        torch.testing.assert_close(model(ids[:, :11]).logits, whole[:, :11], atol=1e-5, rtol=1e-5)


def test_interpolated_positions_are_divided():
    plain = small().blocks[3].inner_mha_cls.rotary_emb
    scaled = small(**OTHERS[2]).blocks[3].inner_mha_cls.rotary_emb
    x = torch.randn(1, 1, 1, 1, 8).expand(129, 1, 1, 1, 8)
    from evoflow.embed.hyena.operations import PLAIN

    torch.testing.assert_close(scaled(x, PLAIN)[128], plain(x[:2], PLAIN)[1])


def test_gradients_reach_every_weight():
    model = small().train()
    model(torch.randint(65, 85, (2, 9))).logits.square().mean().backward()
    assert all(weight.grad is not None for weight in model.parameters())


def test_the_short_filter_by_hand():
    """One channel: y[t] = x2[t] * (h[0] w[t-2] + h[1] w[t-1] + h[2] w[t])."""
    hyena = small(hcs_filter_length=3).blocks[2].filter
    with torch.no_grad():
        hyena.h[:] = torch.tensor([100.0, 10.0, 1.0])
    w = torch.tensor([1.0, 2.0, 3.0, 4.0]).expand(24, 4).reshape(24, 4, 1)
    y = hyena.gated(w, torch.full_like(w, 2.0))
    assert y[0, :, 0].tolist() == [2, 2 * 12, 2 * 123, 2 * 234]


def test_the_medium_filter_by_hand():
    """One channel: y[t] = x2[t] * (h[0] w[t] + h[1] w[t-1] + ... + D w[t])."""
    hyena = small().blocks[1].filter
    with torch.no_grad():
        hyena.h[:] = 0
        hyena.h[:, 0, :3] = torch.tensor([1.0, 10.0, 100.0])
        hyena.D[:] = 1000
    w = torch.tensor([1.0, 2.0, 3.0, 4.0]).expand(24, 4).reshape(24, 4, 1)
    y = hyena.gated(w, torch.full_like(w, 2.0))
    assert y[0, :, 0].tolist() == [2 * 1001, 2 * 2012, 2 * 3123, 2 * 4234]
