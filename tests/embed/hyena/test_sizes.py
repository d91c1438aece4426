"""What a `config.json` says is kept, whatever it calls it."""

import json

import pytest

from evoflow.embed.evo import Evo2Config, EvoConfig
from evoflow.embed.evo1.sizes import EvoSizes
from evoflow.embed.evo2.sizes import Evo2Sizes
from evoflow.errors import InputError
from tests.conftest import ROOT

SMALL = {"hidden_size": 8, "num_attention_heads": 2, "attn_layer_idxs": [1]}


def test_keys_without_effect_are_written_back():
    raw = json.loads((ROOT / "tests/data/evo2-tiny-8k-reference/config.json").read_text())
    written = json.loads(Evo2Sizes.from_dict(raw).to_json_string())
    assert {key: written[key] for key in raw} == raw
    assert written["model_type"] == "stripedhyena2"


def test_the_names_that_transformers_has_for_keys_are_understood():
    sizes = EvoSizes.from_dict({**SMALL, "num_hidden_layers": 2, "max_position_embeddings": 99})
    assert (sizes.num_layers, sizes.max_seqlen, sizes.hyena_layer_idxs) == (2, 99, [0])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("vocab_size", -1),
        ("hidden_size", 8.0),
        ("hidden_size", 10**9),
        ("num_layers", True),
        ("num_attention_heads", 0),
        ("attn_layer_idxs", ["1"]),
        ("attn_layer_idxs", 1),
        ("state_size", None),
        ("eps", "1e-6"),
        ("eps", -1),
        ("eps", float("nan")),
        ("rotary_emb_base", 0),
        ("final_norm", "false"),
    ],
)
@pytest.mark.parametrize("kind", [EvoSizes, Evo2Sizes, EvoConfig, Evo2Config])
def test_a_value_of_another_type_is_named(kind, key, value):
    shown = value[0] if isinstance(value, list) else value
    with pytest.raises(InputError) as error:
        kind.from_dict({key: value})
    (problem,) = error.value.problems
    assert problem.startswith(f"{kind.title}'s config.json: {key}: ")
    assert problem.endswith(f"(it is {shown!r})")


@pytest.mark.parametrize(("plain", "whole"), [(EvoSizes, EvoConfig), (Evo2Sizes, Evo2Config)])
def test_the_configuration_of_transformers_has_the_same_keys_and_defaults(plain, whole):
    expected = plain().to_dict()
    assert {key: whole().to_dict()[key] for key in expected} == expected
