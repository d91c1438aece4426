"""Metrics under many weightings of the rows at once, as intervals need them.

scikit-learn and scipy compute one weighting at a time, and a hundred of each metric, model and
subset would take minutes. Here a weighting is a row of a matrix. A row of ones gives what they
give, and a row of counts what they give for rows repeated that often; the tests hold them to it.

Where `weights` are given they have shape=(sets, n), the values have shape=(n,) and the result has
shape=(sets,), NaN where a set leaves the metric undefined.
"""

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_AT_ONCE = 2_000_000
"""Weights of the sets that are looked at together; some ten times as many numbers are made."""


def _in_parts(metric: Callable[[Any, Floats, Floats], Floats]) -> Callable[..., Floats]:
    """Look at few sets at a time, as those of a million rows would take gigabytes."""

    @wraps(metric)
    def compute(x: Any, y: Floats, weights: Floats) -> Floats:
        # Two sets at least in each part, as numpy adds up a single one in another order.
        parts = min(math.ceil(weights.size / _AT_ONCE), len(weights) // 2) or 1
        return np.concatenate([metric(x, y, part) for part in np.array_split(weights, parts)])

    return compute


def mean(values: Floats, weights: Floats) -> Floats:
    """Weighted mean."""
    return _divide(weights @ values, weights.sum(axis=1))


def macro_mean(values: Floats, classes: Floats, weights: Floats) -> Floats:
    """Mean over the classes that a set holds of the weighted mean in each."""
    means = [mean(values[classes == one], weights[:, classes == one]) for one in np.unique(classes)]
    stacked = np.array(means)
    held = np.isfinite(stacked)
    return _divide(np.where(held, stacked, 0).sum(axis=0), held.sum(axis=0))


@_in_parts
def pearson(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Weighted product-moment correlation."""
    return _correlation(
        np.broadcast_to(x, weights.shape), np.broadcast_to(y, weights.shape), weights
    )


@_in_parts
def spearman(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Weighted rank correlation, ties at their middle rank."""
    return _correlation(_ranks(x, weights), _ranks(y, weights), weights)


def rank_correlation(x: npt.NDArray[np.floating], y: npt.NDArray[np.floating]) -> float:
    """Rank correlation of rows that count alike; NaN also where a value is no number."""
    if not (np.isfinite(x).all() and np.isfinite(y).all() and len(x)):
        return float("nan")
    alike = np.ones((1, len(x)))
    return float(spearman(x.astype(np.float64), y.astype(np.float64), alike)[0])


def auroc(positive: npt.NDArray[np.bool_], score: Floats, weights: Floats) -> Floats:
    """Weighted share of (positive, negative) pairs that the score puts in order; ties half."""
    positives, negatives = weights @ positive, weights @ ~positive
    return _divide(_ordered(positive, score, weights), positives * negatives)


@_in_parts
def _ordered(positive: npt.NDArray[np.bool_], score: Floats, weights: Floats) -> Floats:
    """Weight of the pairs in order."""
    below = _ranks(score, weights * ~positive)  # negatives below, plus half of those level
    return np.asarray(((below - 0.5) * weights)[:, positive].sum(axis=1))


@_in_parts
def average_precision(positive: npt.NDArray[np.bool_], score: Floats, weights: Floats) -> Floats:
    """Weighted precision at every distinct score, averaged over the recall that it adds."""
    order = np.argsort(-score, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(score[order]) != 0])
    level = np.add.reduceat(weights[:, order], starts, axis=1)
    hits = np.add.reduceat((weights * positive)[:, order], starts, axis=1)
    precision = _divide(hits.cumsum(axis=1), level.cumsum(axis=1))
    return _divide(np.nansum(hits * precision, axis=1), hits.sum(axis=1))


def within_folds(
    metric: Callable[[Floats, Floats, Floats], Floats],
    count: Callable[[Floats, Floats], Floats],
    truth: Floats,
    predicted: Floats,
    weights: Floats,
    *,
    fold: npt.NDArray[np.integer],
) -> Floats:
    """Average a metric that ranks over the folds of a cross-validation.

    Each fold has a model of its own, and their scores are not on one scale. Ranked together, they
    would say less than nothing: a mean of the other folds is low where a fold's own scores are
    high.

    Parameters
    ----------
    metric
        `(truth, predicted, weights) -> values`. Where it is undefined though the truth varies, it
        counts as 0: a correlation with predictions that are all the same.
    count
        `(truth, weights) -> counts` of a fold in the average, shape=(sets,).
    truth, predicted, fold
        Of each row, shape=(n,).
    """
    total, counts = np.zeros(len(weights)), np.zeros(len(weights))
    for one in np.unique(fold):
        rows = fold == one
        own = count(truth[rows], weights[:, rows])
        value = metric(truth[rows], predicted[rows], weights[:, rows])
        total += own * np.nan_to_num(value)
        counts += own
    return _divide(total, counts)


def rows_that_vary(truth: Floats, weights: Floats) -> Floats:
    """Weight of all rows; 0 where their truth is the same."""
    varies = np.isfinite(pearson(truth, truth, weights))
    return np.where(varies, weights.sum(axis=1), 0)


def pairs(truth: Floats, weights: Floats) -> Floats:
    """Weight of the pairs of a positive and a negative row."""
    return np.asarray((weights @ truth) * (weights @ (1 - truth)))


def _ranks(values: Floats, weights: Floats) -> Floats:
    """Middle ranks when each row counts `weights` times, shape=(sets, n)."""
    _, codes = np.unique(values, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(codes[order]) != 0])
    level = np.add.reduceat(weights[:, order], starts, axis=1)
    middle = level.cumsum(axis=1) - level + (level + 1) / 2
    return np.asarray(middle[:, codes])


def _correlation(x: Floats, y: Floats, weights: Floats) -> Floats:
    share = _divide(weights, weights.sum(axis=1, keepdims=True))
    x, y = _centred(x, share), _centred(y, share)
    spread = (share * x**2).sum(axis=1) * (share * y**2).sum(axis=1)
    return _divide((share * x * y).sum(axis=1), np.sqrt(spread))


def _centred(x: Floats, share: Floats) -> Floats:
    """Subtract the weighted mean; what is left of equal values by rounding becomes 0."""
    centred = x - (share * x).sum(axis=1, keepdims=True)
    rounding = 1e-13 * np.abs(x).max(axis=1, keepdims=True)
    return np.where(np.abs(centred) > rounding, centred, 0)


def _divide(top: Floats, bottom: Floats) -> Floats:
    """Divide; NaN where the divisor is 0."""
    empty = np.full(np.shape(top), np.nan)
    return np.asarray(np.divide(top, bottom, out=empty, where=bottom > 0))
