"""Sizes that follow from others, and switches of other models."""

import pytest

from evoflow.embed.evo1.sizes import EvoSizes
from evoflow.errors import InputError


def test_what_is_not_given_follows_as_in_the_published_models():
    config = EvoSizes()
    assert config.inner_mlp_size == 10928  # 2 * 4096 * 4 / 3, to the next multiple of 16
    assert config.head_size == 128
    assert len(config.hyena_layer_idxs) == 29
    assert not set(config.hyena_layer_idxs) & {8, 16, 24}


def test_positions_are_scaled_only_where_they_are_interpolated():
    assert EvoSizes(rotary_emb_scaling_factor=16.0).rotary_scale == 1.0
    wide = EvoSizes(rotary_emb_scaling_factor=16.0, use_interpolated_rotary_pos_emb=True)
    assert wide.rotary_scale == 16.0


@pytest.mark.parametrize(
    ("sizes", "problem"),
    [
        ({"mlp_activation": "silu"}, "mlp_activation is 'silu'; Evo-1 has 'gelu'"),
        ({"hyena_layer_idxs": [0, 1, 2], "num_layers": 4}, "must name each of the 4 layers once"),
        ({"hidden_size": 100, "num_attention_heads": 3}, "hidden_size 100 must be 3 heads"),
        ({"hidden_size": 6, "num_attention_heads": 2}, "of an even size"),
    ],
)
def test_sizes_that_do_not_fit_are_named(sizes, problem):
    plain = {"num_layers": 2, "attn_layer_idxs": [1], "hidden_size": 8, "num_attention_heads": 2}
    with pytest.raises(InputError, match=problem):
        EvoSizes(**(plain | sizes))
