"""The configurations as transformers reads and writes them."""

import pytest
from transformers import AutoConfig

from evoflow.embed.evo import Evo2Config, EvoConfig
from evoflow.errors import InputError

SMALL = {"hidden_size": 8, "num_attention_heads": 2, "num_layers": 2, "attn_layer_idxs": [1]}


def test_it_is_saved_and_found_again_with_what_it_does_not_know(tmp_path):
    EvoConfig(**SMALL, prefill_style="fft").save_pretrained(tmp_path)
    again = AutoConfig.from_pretrained(tmp_path)
    assert isinstance(again, EvoConfig)
    assert (again.num_hidden_layers, again.hyena_layer_idxs) == (2, [0])
    assert again.prefill_style == "fft"


@pytest.mark.parametrize("kind", [EvoConfig, Evo2Config])
def test_what_would_be_computed_wrongly_is_refused(kind):
    with pytest.raises(InputError, match="mlp_activation is 'silu'"):
        kind(mlp_activation="silu")
