"""Layers by the names that the field uses."""

import numpy as np
import pytest

from evoflow.errors import InputError
from evoflow.settings.layer_names import LayerOutput, parse_layer, resolve_layer


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("blocks.26", 27),
        ("embedding_layer", 0),
        ("norm", "final"),
        ("unembed", "logits"),
        (np.int64(2), 2),
    ],
)
def test_names_of_the_published_packages_mean_our_layers(name, same):
    assert parse_layer(name) == parse_layer(same)


def test_the_mlp_branch_needs_its_block_and_is_another_vector():
    assert parse_layer("blocks.28.mlp.l3") == LayerOutput("mlp", 29)
    assert parse_layer("blocks.28.mlp.l3") != parse_layer("blocks.28")


@pytest.mark.parametrize(
    "name",
    ["", "blocks", "blocks.-1", "blocks.01", "blocks.1.mlp", "Final", "26", -1, True, 2.0, None],
)
def test_other_names_are_refused_with_the_known_ones(name):
    with pytest.raises(
        InputError, match=r"is not a layer name; set a number of blocks, final, log"
    ):
        parse_layer(name)


@pytest.mark.parametrize("name", [32, "blocks.31", "blocks.31.mlp.l3"])
def test_the_last_block_is_there_and_the_next_is_not(name):
    assert resolve_layer(name, 32).num_blocks == 32
    with pytest.raises(InputError, match="needs 32 blocks but the model has 31; set 0 to 31, bloc"):
        resolve_layer(name, 31)
