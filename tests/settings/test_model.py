"""A model config: which tokens are kept, and of which layers."""

import pytest

from evoflow.settings import ModelSettings, load
from tests.settings.problems import problems_of


@pytest.mark.parametrize("tokens", ["all", "mean", {"window": 32}])
def test_tokens_setting(tokens):
    settings = load(ModelSettings, {"embedding": {"tokens": tokens}})
    chosen = settings.embedding.tokens
    assert (chosen if isinstance(chosen, str) else chosen.model_dump()) == tokens


def test_the_layers_that_are_stored_are_one_or_those_that_are_listed():
    assert load(ModelSettings, {"embedding": {"layer": 2}}).embedding.stored_layers == (2,)
    several = load(ModelSettings, {"embedding": {"layers": [1, "final"]}}).embedding
    assert several.stored_layers == (1, "final")


@pytest.mark.parametrize(
    ("model", "key"),
    [
        ({"head": {"dropout": 1}}, "model.head.dropout"),
        ({"head": {"epochs": 0}}, "model.head.epochs"),
        ({"head": {"learning_rate": float("inf")}}, "model.head.learning_rate"),
        ({"head": {"channels": 8193}}, "model.head.channels"),
        ({"head": {"layers": 10, "kernel_size": 3}}, "model.head.layers"),
        ({"split": {"test": 1.5}}, "model.split.test"),
        ({"dtype": "int8"}, "model.dtype"),
        ({"checkpoint": ""}, "model.checkpoint"),
    ],
)
def test_a_value_out_of_range_is_named_by_its_key(model, key):
    (problem,) = problems_of({"demo": {}}, model)
    assert problem.startswith(f"{key}: ")


def test_a_head_does_not_reach_further_than_the_longest_read():
    """The 8th layer of kernel 7 reaches 3 * 3**7 = 6,561 tokens to each side."""
    assert load(ModelSettings, {"head": {"layers": 8}}).head.layers == 8
    for head, reach in ({"layers": 9}, 19683), ({"layers": 1, "kernel_size": 16387}, 8193):
        (problem,) = problems_of({"demo": {}}, {"head": head})
        assert problem.startswith("model.head: layers: ")
        assert f"would reach {reach} tokens" in problem
