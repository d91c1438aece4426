"""Metrics on the test split, with 95% intervals by bootstrap over genomic blocks."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import (
    average_precision_score,
    mean_absolute_error,
    roc_auc_score,
    root_mean_squared_error,
)

from evoflow.train import resampling
from evoflow.train.resampling import Floats
from evoflow.train.subsets import subsets, truths

REPLICATES = 1000
FEWEST_BLOCKS = 5
"""Genomic blocks below which an interval would promise more than is known."""

CELLS = 20_000_000
"""Weights held at once: many rows are resampled in several parts."""

Estimate = tuple[float | None, float | None, float | None, int]
"""Value, ends of the 95% interval, rows. None: not defined, or too few blocks."""

Table = dict[str, dict[str, dict[str, Estimate]]]
"""`metrics[subset][model][name]`."""


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes
    ----------
    truth
        What is compared with the prediction: a column of `subsets.truths`.
    value
        `(truth, predicted) -> float`.
    replicates
        `(truth, predicted, weights) -> values`, shape=(replicates,).
    ranks
        Whether only the order or the shape of the predictions counts, not their scale; such a
        metric is not defined where either side is constant.
    """

    truth: str
    value: Callable[[Floats, Floats], float]
    replicates: Callable[[Floats, Floats, Floats], Floats]
    ranks: bool


def _macro_mae(truth: Floats, predicted: Floats) -> float:
    errors = [
        mean_absolute_error(truth[truth == score], predicted[truth == score])
        for score in np.unique(truth)
    ]
    return float(np.mean(errors))


def _auroc(truth: Floats, predicted: Floats, weights: Floats) -> Floats:
    return resampling.auroc(truth == 1, predicted, weights)


def _auprc(truth: Floats, predicted: Floats, weights: Floats) -> Floats:
    return resampling.average_precision(truth == 1, predicted, weights)


METRICS: Mapping[str, Metric] = {
    "rmse": Metric(
        "score",
        root_mean_squared_error,
        lambda truth, predicted, w: np.sqrt(resampling.mean((truth - predicted) ** 2, w)),
        ranks=False,
    ),
    "mae": Metric(
        "score",
        mean_absolute_error,
        lambda truth, predicted, w: resampling.mean(np.abs(truth - predicted), w),
        ranks=False,
    ),
    "macro_mae": Metric(
        "score",
        _macro_mae,
        lambda truth, predicted, w: resampling.macro_mean(np.abs(truth - predicted), truth, w),
        ranks=False,
    ),
    "spearman": Metric(
        "score", lambda *pair: spearmanr(*pair).statistic, resampling.spearman, ranks=True
    ),
    "pearson": Metric(
        "score", lambda *pair: pearsonr(*pair).statistic, resampling.pearson, ranks=True
    ),
    "auroc_high": Metric("high", roc_auc_score, _auroc, ranks=True),
    "auprc_high": Metric("high", average_precision_score, _auprc, ranks=True),
    "auroc_pathogenic": Metric("pathogenic", roc_auc_score, _auroc, ranks=True),
    "auprc_pathogenic": Metric("pathogenic", average_precision_score, _auprc, ranks=True),
}
"""All metrics, by name; scores are 0..10."""


@dataclass(frozen=True)
class Evaluation:
    """What the test split says of every model.

    Attributes
    ----------
    metrics
        `metrics[subset][model][name] = (value, low, high, n)`.
    undefined
        `undefined[subset][model][name]`: why a value or its interval is missing.
    replicates
        The bootstrap's values in the same nesting, for differences between models.
    """

    metrics: Table
    undefined: dict[str, dict[str, dict[str, str]]]
    replicates: dict[str, dict[str, dict[str, Floats]]]


def evaluate(
    predictions: pd.DataFrame, models: Sequence[str], *, seed: int, replicates: int = REPLICATES
) -> Evaluation:
    """Compute every metric of every model on every subset of the test split.

    All of them see the same replicates of the bootstrap, so that models can be compared.

    Parameters
    ----------
    predictions
        Test rows of the table of examples with `block` and one column of predicted scores (0..10)
        for each model.
    models
        Those columns.
    seed
        Of the bootstrap.
    replicates
        Draws of the bootstrap.
    """
    result = Evaluation({}, {}, {})
    truth = truths(predictions)
    blocks = pd.factorize(predictions["block"])[0]
    draws = resampling.draw_blocks(int(blocks.max()) + 1, replicates, np.random.default_rng(seed))
    for subset, chosen in subsets(predictions).items():
        for kind in (result.metrics, result.undefined, result.replicates):
            kind[subset] = {model: {} for model in models}
        for name, metric in METRICS.items():
            rows = np.flatnonzero(chosen & truth[metric.truth].notna())
            label = truth[metric.truth].to_numpy(dtype=np.float64)[rows]
            for model in models:
                predicted = predictions[model].to_numpy(dtype=np.float64)[rows]
                why = _undefined(metric, label, predicted)
                if why:
                    result.metrics[subset][model][name] = (None, None, None, len(rows))
                    result.undefined[subset][model][name] = why
                    continue
                values = _replicates(metric, label, predicted, draws, blocks[rows])
                held = len(np.unique(blocks[rows]))
                low, high = interval(values) if held >= FEWEST_BLOCKS else (None, None)
                if held < FEWEST_BLOCKS:
                    result.undefined[subset][model][name] = f"no interval: {held} genomic blocks"
                value = float(metric.value(label, predicted))
                result.metrics[subset][model][name] = (value, low, high, len(rows))
                result.replicates[subset][model][name] = values
    return result


def interval(values: Floats) -> tuple[float, float]:
    """Take the middle 95% of a bootstrap's values; undefined ones are left out."""
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


def _undefined(metric: Metric, truth: Floats, predicted: Floats) -> str:
    """Say why a metric has no value; empty where it has one."""
    if len(truth) == 0:
        return f"no row with a known {metric.truth}"
    if metric.ranks and np.ptp(truth) == 0:
        return f"every row has {metric.truth} {truth[0]:g}"
    if metric.ranks and np.ptp(predicted) == 0:
        return "every prediction is the same"
    return ""


def _replicates(
    metric: Metric,
    truth: Floats,
    predicted: Floats,
    draws: Floats,
    blocks: npt.NDArray[np.int64],
) -> Floats:
    """Compute a metric for every draw of the bootstrap."""
    parts = math.ceil(len(draws) * len(truth) / CELLS)
    return np.concatenate(
        [
            metric.replicates(truth, predicted, part[:, blocks])
            for part in np.array_split(draws, parts)
        ]
    )
