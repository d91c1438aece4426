"""Checkpoints in the published layout: sound ones load exactly, others are refused by name."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from evoflow.embed.evo import EvoConfig, EvoForCausalLM
from evoflow.errors import InputError

STALE = "backbone.blocks.1.inner_mha_cls.rotary_emb.inv_freq"
POLES = "backbone.blocks.2.filter.poles"
NORM = "backbone.norm.scale"
NOT_FINITE = f"safetensors: {NORM} has values that are NaN or infinite"
GOLDEN = Path(__file__).parents[2] / "data" / "evo-tiny-8k-reference"


@pytest.fixture
def folder(tmp_path):
    """A copy of the golden checkpoint, to be spoilt."""
    for name in ("config.json", "model.safetensors"):
        shutil.copy(GOLDEN / name, tmp_path)
    return tmp_path


def tensors():
    return load_file(GOLDEN / "model.safetensors")


def in_shards(folder, stored, num_shards=3):
    """Write tensors as the hub has large models: several files and an index."""
    (folder / "model.safetensors").unlink(missing_ok=True)
    keys = sorted(stored)
    weight_map = {}
    for shard in range(num_shards):
        name = f"model-{shard + 1:05}-of-{num_shards:05}.safetensors"
        part = {key: stored[key] for key in keys[shard::num_shards]}
        save_file(part, folder / name, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(part, name)
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def published():
    """Tensors as the official files hold them: bfloat16, poles float32, a stale `inv_freq`."""
    stored = {
        key: value if key.endswith(("poles", "residues")) else value.bfloat16()
        for key, value in tensors().items()
    }
    return stored | {STALE: torch.full((4,), 7.0, dtype=torch.bfloat16)}


@pytest.mark.parametrize("dtype", [None, "auto", torch.float32, torch.bfloat16, "float16"])
def test_shards_load_in_any_type_with_exact_poles(folder, dtype):
    stored = published()
    in_shards(folder, stored)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
    assert isinstance(model, EvoForCausalLM)
    wanted = {None: torch.bfloat16, "auto": torch.bfloat16, "float16": torch.float16}
    assert model.dtype == wanted.get(dtype, dtype)
    for key, weight in model.named_parameters():
        exact = key.endswith(("poles", "residues"))
        assert weight.dtype == (torch.float32 if exact else model.dtype)
        assert torch.equal(weight, stored[key].to(weight.dtype))


def test_stale_rotary_frequencies_change_nothing(folder):
    in_shards(folder, tensors() | {STALE: torch.ones(4)})
    ids = torch.tensor([[65, 67, 71, 84]])
    with torch.inference_mode():
        expected = EvoForCausalLM.from_pretrained(GOLDEN)(ids).logits
        assert torch.equal(EvoForCausalLM.from_pretrained(folder)(ids).logits, expected)


def test_saving_writes_the_published_layout_back(folder, tmp_path):
    stored = published()
    in_shards(folder, stored)
    EvoForCausalLM.from_pretrained(folder).save_pretrained(tmp_path / "again")
    saved = load_file(tmp_path / "again" / "model.safetensors")
    assert saved.keys() == stored.keys()
    assert all(torch.equal(saved[key], stored[key]) for key in stored)
    assert all(saved[key].dtype == stored[key].dtype for key in stored)
    before = json.loads((GOLDEN / "config.json").read_text())
    after = json.loads((tmp_path / "again" / "config.json").read_text())
    assert after["model_type"] == "stripedhyena"
    assert {key: after[key] for key in before.keys() & after.keys() - {"architectures"}} == {
        key: before[key] for key in before.keys() & after.keys() - {"architectures"}
    }
    EvoForCausalLM.from_pretrained(tmp_path / "again")


def without(key):
    return lambda stored: {k: v for k, v in stored.items() if k != key}


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (without(POLES), f"lacks {POLES}"),
        (lambda s: s | {"backbone.extra": torch.ones(1)}, "has backbone.extra, which Evo does not"),
        (
            lambda s: s | {POLES: s[POLES][:5].clone()},
            r"poles of shape \(5, 8, 1, 2\) where .*32",
        ),
        (lambda s: {k.removeprefix("backbone."): v for k, v in s.items()}, "and .* more"),
        (lambda s: s | {NORM: s[NORM].to(torch.uint8)}, f"{NORM} is of type U8"),
        (lambda s: s | {NORM: s[NORM].index_fill(0, torch.tensor(31), torch.nan)}, NOT_FINITE),
        (lambda s: s | {NORM: s[NORM].index_fill(0, torch.tensor(0), -torch.inf)}, NOT_FINITE),
    ],
)
def test_tensors_that_do_not_fit_are_named(folder, spoil, problem):
    save_file(spoil(tensors()), folder / "model.safetensors")
    with pytest.raises(InputError, match=problem):
        EvoForCausalLM.from_pretrained(folder)


def test_a_truncated_file_is_named(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(
        InputError, match=r"model\.safetensors: has 303,280 bytes, its header states"
    ):
        EvoForCausalLM.from_pretrained(folder)


def test_a_tensor_that_stands_in_two_files_is_named(folder):
    in_shards(folder, tensors())
    shutil.copy(
        folder / "model-00001-of-00003.safetensors", folder / "model-00002-of-00003.safetensors"
    )
    with pytest.raises(InputError, match=r"model-00002.* has \S+, which \S+model-00001.* has too"):
        EvoForCausalLM.from_pretrained(folder)


def test_a_clone_without_git_lfs_is_named(folder):
    (folder / "model.safetensors").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12904000000\n"
    )
    with pytest.raises(InputError, match="git lfs pull"):
        EvoForCausalLM.from_pretrained(folder)


def test_the_name_of_the_weights_is_that_of_what_is_stored(folder):
    name = EvoForCausalLM.from_pretrained(folder).weights_identity
    in_shards(folder, tensors())
    assert EvoForCausalLM.from_pretrained(folder, dtype="bfloat16").weights_identity == name
    in_shards(folder, tensors() | {POLES: tensors()[POLES] * 1.0001})
    assert EvoForCausalLM.from_pretrained(folder).weights_identity != name


def test_a_missing_shard_is_named(folder):
    in_shards(folder, tensors())
    (folder / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(InputError, match=r"model-00002-of-00003\.safetensors: no such file"):
        EvoForCausalLM.from_pretrained(folder)


@pytest.mark.parametrize("weight_map", [[], {}, {"a": None}, {"a": ["x"]}, {"a": 5, "b": "x"}])
def test_an_index_that_names_no_files_is_refused(folder, weight_map):
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(InputError, match=r"index\.json: has no weight_map of tensors"):
        EvoForCausalLM.from_pretrained(folder)


def test_pickles_are_never_loaded(folder):
    (folder / "model.safetensors").unlink()
    torch.save(tensors(), folder / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"pytorch_model\.bin are pickles"):
        EvoForCausalLM.from_pretrained(folder)
    with pytest.raises(InputError, match="pickles"):
        EvoForCausalLM.from_pretrained(GOLDEN, use_safetensors=False)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"model_type": "gpt2"}, "model_type 'gpt2' is not Evo's"),
        ({"hidden_size": "wide"}, r"config\.json: .*hidden_size: .*integer \(it is 'wide'\)"),
        ({"num_attention_heads": 0}, r"num_attention_heads: .* greater than 0 \(it is 0\)"),
        ({"tie_embeddings": "false"}, r"tie_embeddings: .* boolean \(it is 'false'\)"),
        ({"max_position_embeddings": None}, r"max_seqlen: .* integer \(it is None\)"),
        ({"hyena_filter_groups": 4}, "hyena_filter_groups is 4"),
        ({"num_attention_heads": 5}, "hidden_size 32 must be 5 heads"),
        ({"attn_layer_idxs": [1, 9]}, r"must name each of the 4 layers once"),
    ],
)
def test_a_configuration_that_is_not_evo_is_refused(folder, change, problem):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=problem):
        EvoForCausalLM.from_pretrained(folder)


def test_rounded_poles_are_pointed_out(folder):
    save_file(
        {key: value.bfloat16() for key, value in tensors().items()}, folder / "model.safetensors"
    )
    with pytest.warns(UserWarning, match="rounded; logits can be 5% off"):
        EvoForCausalLM.from_pretrained(folder)


def test_no_code_of_a_checkpoint_runs(folder):
    path = folder / "config.json"
    remote = {"auto_map": {"AutoModelForCausalLM": "evil.Model", "AutoConfig": "evil.Config"}}
    path.write_text(json.dumps(json.loads(path.read_text()) | remote))
    (folder / "evil.py").write_text("raise SystemExit('ran')")
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    assert isinstance(model, EvoForCausalLM)


MEASURE = """
import resource, sys, torch
from evoflow.embed.evo import EvoForCausalLM
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
model = EvoForCausalLM.from_pretrained(sys.argv[1], dtype=sys.argv[2])
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((after - before) * 1024, sum(w.nbytes for w in model.parameters()))
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A checkpoint of which a copy more would show in a process's memory."""
    folder = tmp_path_factory.mktemp("large")
    config = EvoConfig(
        hidden_size=1024,
        num_layers=8,
        attn_layer_idxs=[4],
        num_attention_heads=8,
        inner_mlp_size=2736,
    )
    with torch.device("meta"):
        shapes = {k: v.shape for k, v in EvoForCausalLM(config).state_dict().items()}
    stored = {
        key: torch.ones(
            shape, dtype=torch.float32 if key.endswith(("poles", "residues")) else torch.bfloat16
        )
        for key, shape in shapes.items()
    }
    config.save_pretrained(folder)
    in_shards(folder, stored, num_shards=4)
    return folder


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
@pytest.mark.slow
def test_loading_holds_no_more_than_the_model_and_one_shard(large, dtype):
    shard = max(path.stat().st_size for path in large.glob("*.safetensors"))
    command = [sys.executable, "-c", MEASURE, str(large), dtype]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    grown, size = map(int, done.stdout.split())
    assert size >= 200e6
    assert grown <= size + shard
