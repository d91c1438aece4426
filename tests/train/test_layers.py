"""Of several layers the validation rows choose, and the first where they cannot."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from evoflow.train.layers import LayerHead, choose, validation_ranks


def head(layer, *spearman):
    return LayerHead(layer, SimpleNamespace(best_epoch=1), spearman, np.zeros(3))


@pytest.mark.parametrize(
    ("ranked", "expected"),
    [
        ({2: 0.1, "blocks.3": 0.4, "final": 0.3}, "blocks.3"),
        ({2: math.nan, "final": 0.5}, "final"),
        ({2: math.nan, "final": math.nan}, 2),
        ({2: 0.4, "final": 0.4}, 2),
    ],
)
def test_the_best_ranked_layer_is_chosen(ranked, expected):
    heads = [head(layer, value) for layer, value in ranked.items()]
    assert choose(heads).layer == expected


def test_layers_are_ranked_by_the_folds_whose_validation_rows_can_tell():
    # The alleles of the second fold have one score; in the third the first head ranks nothing.
    heads = [head("noise", 0.2, math.nan, math.nan), head("logits", 0.6, math.nan, 0.4)]
    assert validation_ranks(heads).tolist() == [0.1, 0.5]
    assert choose(heads).layer == "logits"
