"""Metrics on the test split, with 95% intervals over the independent units of the genome."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from evoflow.augment.blocks import independent_units
from evoflow.labels.allele_values import model_name
from evoflow.labels.target import IMPACT, Target
from evoflow.settings import UserColumn
from evoflow.train.evaluation import weighted
from evoflow.train.evaluation.jackknife import Floats, Groups, Jackknifed
from evoflow.train.evaluation.subsets import subsets, truths

FEWEST_UNITS = 5
"""Independent units below which an interval would promise more than is known."""

FEWEST_ALLELES = 3
"""Alleles and loci below which a value says nothing."""

Estimate = tuple[float | None, float | None, float | None, int]
"""Value, ends of the 95% interval, alleles and loci. None: not defined, or too few units."""

Table = dict[str, dict[str, dict[str, Estimate]]]
"""`metrics[subset][model][name]`."""

VARIANT = ["contig", "position", "ref", "alt", "carries_alt"]
"""Columns in which the rows of several people who carry one allele agree."""


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes
    ----------
    truth
        What is compared with the prediction: a column of `subsets.truths`.
    compute
        `(truth, predicted, weights) -> values`; weights of shape=(sets, n), values of (sets,).
    ends
        The lowest and the highest value there can be.
    count
        What a fold of a cross-validation counts in the average (see `weighted.within_folds`) of a
        metric that ranks: only the order or the shape of the predictions counts, not their scale,
        and it is not defined where either side is constant. None: a metric of the scale.
    """

    truth: str
    compute: Callable[[Floats, Floats, Floats], Floats]
    ends: tuple[float, float]
    count: Callable[[Floats, Floats], Floats] | None = None

    @property
    def ranks(self) -> bool:
        """Whether scores are compared with each other alone."""
        return self.count is not None

    def values(
        self,
        truth: Floats,
        predicted: Floats,
        weights: Floats,
        fold: npt.NDArray[np.integer],
    ) -> Floats:
        """Compute the metric for each set of weights; where it ranks, within folds."""
        if self.count is None or np.ptp(fold) == 0:
            return self.compute(truth, predicted, weights)
        return weighted.within_folds(self.compute, self.count, truth, predicted, weights, fold=fold)


def _auroc(truth: Floats, predicted: Floats, weights: Floats) -> Floats:
    return weighted.auroc(truth == 1, predicted, weights)


def _auprc(truth: Floats, predicted: Floats, weights: Floats) -> Floats:
    return weighted.average_precision(truth == 1, predicted, weights)


METRICS: Mapping[str, Metric] = {
    "rmse": Metric(
        "score",
        lambda truth, predicted, w: np.sqrt(weighted.mean((truth - predicted) ** 2, w)),
        (0, np.inf),
    ),
    "mae": Metric(
        "score",
        lambda truth, predicted, w: weighted.mean(np.abs(truth - predicted), w),
        (0, np.inf),
    ),
    "macro_mae": Metric(
        "score",
        lambda truth, predicted, w: weighted.macro_mean(np.abs(truth - predicted), truth, w),
        (0, np.inf),
    ),
    "spearman": Metric("score", weighted.spearman, (-1, 1), weighted.rows_that_vary),
    "pearson": Metric("score", weighted.pearson, (-1, 1), weighted.rows_that_vary),
    "auroc_high": Metric("high", _auroc, (0, 1), weighted.pairs),
    "auprc_high": Metric("high", _auprc, (0, 1), weighted.pairs),
    "auroc_pathogenic": Metric("pathogenic", _auroc, (0, 1), weighted.pairs),
    "auprc_pathogenic": Metric("pathogenic", _auprc, (0, 1), weighted.pairs),
}
"""All metrics, by name; a target has some of them."""


@dataclass(frozen=True)
class Evaluation:
    """What the test split says of every model.

    Attributes
    ----------
    metrics
        `metrics[subset][model][name] = (value, low, high, n)`.
    undefined
        `undefined[subset][model][name]`: why a value or its interval is missing.
    jackknifed
        The values without each unit in the same nesting, for differences between models.
    units
        `units[subset]`: independent units of its rows, and how many of equal weight would tell as
        much.
    """

    metrics: Table
    undefined: dict[str, dict[str, dict[str, str]]]
    jackknifed: dict[str, dict[str, dict[str, Jackknifed]]]
    units: dict[str, tuple[int, float]]


def evaluate(
    predictions: pd.DataFrame,
    models: Sequence[str],
    target: Target = IMPACT,
    columns: Sequence[UserColumn] = (),
) -> Evaluation:
    """Compute every metric of every model on every subset of the test split.

    All models see the same units left out, so that they can be compared. An allele that several
    people carry counts as one. The models of users' columns have a scale of their own and may
    lack values: only metrics that rank are computed, on the rows with a value. In a
    cross-validation these rank within each fold.

    Parameters
    ----------
    predictions
        Test rows of the table of examples with `block`, one column of predicted scores for each
        model, and in a cross-validation `fold`.
    models
        Those columns.
    target
        What is predicted.
    columns
        Users' columns; the table has them, and a model of each.
    """
    only_rank = {model_name(column) for column in columns}
    result = Evaluation({}, {}, {}, {})
    truth = truths(predictions)
    units = independent_units(predictions)
    variants = predictions.groupby(VARIANT, sort=False).ngroup().to_numpy()
    folds = predictions.get("fold", pd.Series(0, predictions.index)).to_numpy()
    for subset, chosen in subsets(predictions, target, columns).items():
        for kind in (result.metrics, result.undefined, result.jackknifed):
            kind[subset] = {model: {} for model in models}
        held = chosen.to_numpy()
        groups = Groups.of(units[held], one_each(variants[held]))
        result.units[subset] = (groups.units, groups.effective)
        for name in target.metrics:
            metric = METRICS[name]
            every = np.flatnonzero(held & truth[metric.truth].notna())
            whole = _groups(units[every], variants[every])
            for model in models:
                if model in only_rank and not metric.ranks:
                    continue
                rows, (groups, sets) = every, whole
                predicted = predictions[model].to_numpy(dtype=np.float64)[rows]
                if np.isnan(predicted).any():
                    rows = every[~np.isnan(predicted)]
                    groups, sets = _groups(units[rows], variants[rows])
                    predicted = predicted[~np.isnan(predicted)]
                label = truth[metric.truth].to_numpy(dtype=np.float64)[rows]
                alleles = len(np.unique(variants[rows]))
                estimate: Estimate = (None, None, None, alleles)
                fold = folds[rows]
                why = _undefined(metric, label, predicted, fold, alleles)
                if not why:
                    value, *left_out = metric.values(label, predicted, sets, fold)
                    found = Jackknifed(float(value), np.array(left_out), groups.effective)
                    result.jackknifed[subset][model][name] = found
                    why = _no_interval(found, groups)
                    low, high = (None, None) if why else _within(metric, found)
                    estimate = (found.value, low, high, alleles)
                result.metrics[subset][model][name] = estimate
                if why:
                    result.undefined[subset][model][name] = why
    return result


def _groups(
    units: npt.NDArray[np.integer], variants: npt.NDArray[np.integer]
) -> tuple[Groups, Floats]:
    """Group rows by unit: the groups, and the weights with each group left out."""
    weight = one_each(variants)
    groups = Groups.of(units, weight)
    return groups, groups.weights(weight)


def one_each(variants: npt.NDArray[np.integer]) -> Floats:
    """Weigh rows so that those of one variant count as one row together, shape=(n,)."""
    _, codes, counts = np.unique(variants, return_inverse=True, return_counts=True)
    return np.asarray(1 / counts[codes], dtype=np.float64)


_ALL_ALIKE = {
    ("high", 0): "no row is HIGH",
    ("high", 1): "every row is HIGH",
    ("pathogenic", 0): "every row is benign",
    ("pathogenic", 1): "every row is pathogenic",
}
"""Why a metric of two classes is not defined, by its truth and the one class that there is."""


def _undefined(
    metric: Metric,
    truth: Floats,
    predicted: Floats,
    fold: npt.NDArray[np.integer],
    alleles: int,
) -> str:
    """Say why a metric has no value; empty where it has one."""
    if len(truth) == 0:
        known = "class" if metric.truth == "pathogenic" else metric.truth
        return f"no row with a known {known}"
    if alleles < FEWEST_ALLELES:
        return f"fewer than {FEWEST_ALLELES} alleles or loci"
    within = " within each fold" if np.ptp(fold) else ""
    if metric.ranks and np.ptp(truth) == 0:
        alike = f"every row has {metric.truth} {truth[0]:g}"
        return _ALL_ALIKE.get((metric.truth, truth[0]), alike)
    if metric.ranks and _is_constant(truth, fold):
        return f"every row has the same {metric.truth}{within}"
    if metric.ranks and _is_constant(predicted, fold):
        return f"every prediction is the same{within}"
    return ""


def _is_constant(values: Floats, fold: npt.NDArray[np.integer]) -> bool:
    """Whether the values of each fold are all the same."""
    by_fold = pd.Series(values).groupby(fold)
    return bool((by_fold.max() == by_fold.min()).all())


def _no_interval(found: Jackknifed, groups: Groups) -> str:
    """Say why a value has no interval; empty where it has one."""
    if groups.units < FEWEST_UNITS:
        return f"no interval: {groups.units} independent units"
    if np.isnan(found.error):
        return "no interval: a single unit holds all rows of one class"
    return ""


def _within(metric: Metric, found: Jackknifed) -> tuple[float, float]:
    low, high = found.interval()
    return max(low, metric.ends[0]), min(high, metric.ends[1])
