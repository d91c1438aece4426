"""A head for each layer that was stored, and the one that the validation rows choose."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from evoflow.labels.target import IMPACT, Target
from evoflow.settings.layer_names import Layer
from evoflow.train.evaluation.metrics import evaluate
from evoflow.train.evaluation.subsets import headline_subset
from evoflow.train.fit import Fit
from evoflow.train.pairs import Embeddings

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
        The head that is kept and its history.
    validation_spearman
        Rank correlation over the carried alleles of the validation rows of each fold of a
        cross-validation, or of the one split; NaN where it has none.
    predicted
        Scores of the test rows, each by the head that did not learn from it.
    """

    layer: Layer
    fit: Fit
    validation_spearman: tuple[float, ...]
    predicted: npt.NDArray[np.float64]


def choose(heads: Sequence[LayerHead]) -> LayerHead:
    """Take the head that ranks the carried alleles of the validation rows best; else the first."""
    return heads[int(np.argmax(validation_ranks(heads)))]


def validation_ranks(heads: Sequence[LayerHead]) -> npt.NDArray[np.float64]:
    """Average the validation's rank correlations of every head over the same folds.

    A head that ranks nothing counts as 0 in a fold where another one ranks; a fold where none does
    says nothing.

    Returns
    -------
    ndarray
        Shape=(heads,); NaN where no fold tells the heads apart.
    """
    ranks = np.array([head.validation_spearman for head in heads])  # (heads, folds)
    telling = np.isfinite(ranks).any(axis=0)
    if not telling.any():
        return np.full(len(heads), np.nan)
    return np.asarray(np.nan_to_num(ranks[:, telling]).mean(axis=1))


def side_by_side(
    heads: Sequence[LayerHead], chosen: LayerHead, rows: pd.DataFrame, target: Target = IMPACT
) -> pd.DataFrame:
    """Compare the heads of several layers.

    Parameters
    ----------
    heads
        Of all layers.
    chosen
        The one that the validation rows choose.
    rows
        Test rows of the table of examples, as `predicted` has them.
    target
        What is predicted.

    Returns
    -------
    DataFrame
        One row a layer, with the columns `layer`, `validation_spearman` (of carried alleles),
        `test_spearman` (or the metric of the headline), `low` and `high` (of its 95% interval),
        `best_epoch` and `chosen`. The test metric is of the rows of the headline; it chooses
        nothing.
    """
    names = [str(head.layer) for head in heads]
    predictions = rows.assign(**dict(zip(names, (head.predicted for head in heads), strict=True)))
    metrics = evaluate(predictions, names, target).metrics
    subset = metrics.get(headline_subset(metrics, target), {})
    tested = [
        subset[name][target.headline][:3] if name in subset else (None,) * 3 for name in names
    ]
    return pd.DataFrame(
        {
            "layer": names,
            "validation_spearman": validation_ranks(heads),
            f"test_{target.headline}": [value for value, _, _ in tested],
            "low": [low for _, low, _ in tested],
            "high": [high for _, _, high in tested],
            "best_epoch": [head.fit.best_epoch for head in heads],
            "chosen": ["yes" if head is chosen else "" for head in heads],
        }
    ).astype({f"test_{target.headline}": float, "low": float, "high": float})
