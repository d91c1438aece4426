"""Configurations with the keys of the published YAML files."""

import json
from pathlib import Path

import pytest

from evoflow.embed.evo2.sizes import Evo2Sizes
from evoflow.errors import InputError

GOLDEN = Path(__file__).parents[2] / "data" / "evo2-tiny-8k-reference"


def test_the_published_keys_are_understood_and_flags_of_kernels_change_nothing():
    raw = json.loads((GOLDEN / "config.json").read_text())
    assert raw["use_fp8_input_projections"]
    assert raw["use_flash_attn"]
    config = Evo2Sizes.from_dict(raw)
    assert (config.head_size, config.rotary_scale, config.hcs_layer_idxs) == (16, 1, [0, 4])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"hidden_size": 1920, "num_layers": 25}, "evo2-1b-base was trained with .*FP8.*evo2-7b"),
        ({"hidden_size": 8192, "num_layers": 50}, "evo2-40b was trained with .*FP8.*evo2-7b"),
        ({"hidden_size": 8192, "num_layers": 32}, "evo2-20b was trained with .*FP8.*evo2-7b"),
        ({"hcm_filter_length": 64}, "leaves out D below 128"),
        ({"evo2_style_activations": False}, "evo2_style_activations is False; Evo 2 has True"),
        ({"interleave": False}, "interleave is False"),
        ({"attn_layer_idxs": [3]}, "must name each of the 32 layers once"),
        ({"num_attention_heads": 3}, "must be 3 heads"),
        ({"hcs_filter_groups": 7}, "hcs_filter_groups 7 must divide hidden_size 4096"),
    ],
)
def test_what_would_be_computed_wrongly_is_refused(change, problem):
    with pytest.raises(InputError, match=problem):
        Evo2Sizes(**change)
