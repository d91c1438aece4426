"""A head for each layer that was stored, and the one that the validation rows choose."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from evoflow.layers import Layer
from evoflow.train.fit import Fit, spearman
from evoflow.train.metrics import evaluate
from evoflow.train.pairs import Embeddings, Pairs
from evoflow.train.subsets import headline_subset

Load = Callable[[], Embeddings]
"""Brings the embeddings of one layer into reach: called once, and what it gave is let go."""


@dataclass(frozen=True)
class LayerHead:
    """The head of one layer.

    Attributes
    ----------
    layer
        As the settings name it.
    fit
        The head and its history.
    tokens
        Tokens of an embedding.
    validation_spearman
        Rank correlation over the carried alleles of the validation rows; NaN where it has none.
    predicted
        Scores of the test rows, 0..10.
    """

    layer: Layer
    fit: Fit
    tokens: int
    validation_spearman: float
    predicted: npt.NDArray[np.float64]


class Fitted(Protocol):
    """Trains what it is told to."""

    def __call__(self, what: str, known: Pairs, checked: Pairs) -> Fit:
        """Train on some rows, check on others."""


def fit_layers(
    layers: Mapping[Layer, Load],
    pairs: Callable[[Embeddings, str], Pairs],
    fitted: Fitted,
    device: str,
) -> list[LayerHead]:
    """Train a head on each layer in turn; the embeddings of one are in memory at a time.

    Parameters
    ----------
    layers
        Each layer and what loads its embeddings.
    pairs
        Makes the rows of a side of the split from embeddings.
    fitted
        Trains a head.
    device
        Where heads predict; see `fit`.
    """
    heads = []
    for layer, load in layers.items():
        what = "the head" if len(layers) == 1 else f"the head on layer {layer}"
        heads.append(_fit_layer(layer, load(), pairs, partial(fitted, what), device))
    return heads


def _fit_layer(
    layer: Layer,
    embeddings: Embeddings,
    pairs: Callable[[Embeddings, str], Pairs],
    fitted: Callable[[Pairs, Pairs], Fit],
    device: str,
) -> LayerHead:
    training, validation, test = (
        pairs(embeddings, side) for side in ("train", "validation", "test")
    )
    trained = fitted(training, validation)
    carriers = validation.target > 0
    checked = trained.head.predict(
        embeddings, validation.read[carriers], validation.window[carriers], device=device
    )
    return LayerHead(
        layer,
        trained,
        embeddings.shape[1],
        spearman(checked, validation.target[carriers]),
        trained.head.predict(embeddings, test.read, test.window, device=device),
    )


def choose(heads: Sequence[LayerHead]) -> LayerHead:
    """Take the head that ranks the carried alleles of the validation rows best; else the first."""
    return max(
        heads,
        key=lambda head: (
            -math.inf if math.isnan(head.validation_spearman) else head.validation_spearman
        ),
    )


def side_by_side(heads: Sequence[LayerHead], chosen: LayerHead, rows: pd.DataFrame) -> pd.DataFrame:
    """Compare the heads of several layers.

    Parameters
    ----------
    rows
        Test rows of the table of examples, as `predicted` has them.

    Returns
    -------
    DataFrame
        One row a layer, with the columns `layer`, `validation_spearman` (of carried alleles),
        `test_spearman`, `low` and `high` (of its 95% interval), `best_epoch` and `chosen`.
        `test_spearman` is of the rows of the headline; it chooses nothing.
    """
    names = [str(head.layer) for head in heads]
    predictions = rows.assign(**dict(zip(names, (head.predicted for head in heads), strict=True)))
    metrics = evaluate(predictions, names).metrics
    subset = metrics.get(headline_subset(metrics), {})
    tested = [subset[name]["spearman"][:3] if name in subset else (None,) * 3 for name in names]
    return pd.DataFrame(
        {
            "layer": names,
            "validation_spearman": [head.validation_spearman for head in heads],
            "test_spearman": [value for value, _, _ in tested],
            "low": [low for _, low, _ in tested],
            "high": [high for _, _, high in tested],
            "best_epoch": [head.fit.best_epoch for head in heads],
            "chosen": ["yes" if head is chosen else "" for head in heads],
        }
    ).astype({"test_spearman": float, "low": float, "high": float})
