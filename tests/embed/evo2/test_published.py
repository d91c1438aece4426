"""The table of published checkpoints."""

import pytest

from evoflow.embed.evo import Evo2Config
from evoflow.embed.evo2.modeling import Evo2
from evoflow.embed.evo2.published import KNOWN, known_name
from evoflow.errors import InputError


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("evo2-7b", "evo2-7b"),
        ("evo2_7b_base", "evo2-7b-base"),
        ("arcinstitute/evo2_7b_262k", "evo2-7b-262k"),
        ("evo-design/evo-2-7b-8k-microviridae", "evo2-7b-microviridae"),
        ("somebody/evo2_7b", None),
        ("evo-1-8k-base", None),
    ],
)
def test_names_are_known_however_they_are_written(name, known):
    assert known_name(name) == known


@pytest.mark.parametrize("name", ["evo2-1b-base", "evo2_40b", "arcinstitute/evo2_40b_base"])
def test_models_that_need_fp8_are_refused_with_what_to_take(name):
    with pytest.raises(InputError, match=r"FP8.*take evo2-7b-base or evo2-7b"):
        known_name(name)


@pytest.mark.parametrize(
    ("name", "gigabytes", "context", "divisor"),
    [
        ("evo2-7b-base", 12.969, 8192, 1),
        ("evo2-7b-262k", 12.969, 262_144, 32),
        ("evo2-7b", 13.170, 1_048_576, 128),
    ],
)
def test_published_models_have_their_published_size(name, gigabytes, context, divisor):
    config = Evo2Config(**KNOWN[name].config)
    tensors = Evo2.without_weights(config).state_dict()
    assert len(tensors) + 1 == 345  # the file holds the unembedding too, which is the embedding
    exact = ("log_poles", "residues")
    size = sum(t.numel() * (4 if name.endswith(exact) else 2) for name, t in tensors.items())
    embedding = 2 * tensors["embedding_layer.weight"].numel()
    assert (size + embedding) / 1e9 == pytest.approx(gigabytes, abs=2e-3)
    assert (config.max_seqlen, config.rotary_scale) == (context, divisor)
