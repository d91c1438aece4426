"""Whether the head beats each baseline, in numbers and in words."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from evoflow.labels.allele_values import model_name
from evoflow.labels.target import IMPACT, Target
from evoflow.settings import UserColumn
from evoflow.train.evaluation.headline import SIGNIFICANT
from evoflow.train.evaluation.jackknife import Jackknifed, holm
from evoflow.train.evaluation.metrics import FEWEST_ALLELES, FEWEST_UNITS, Evaluation
from evoflow.train.evaluation.names import spoken
from evoflow.train.evaluation.subsets import headline_subset, with_column

COMPARED = {
    "spearman": ("rank correlation", 1, 0.0),
    "rmse": ("root mean squared error", -1, 0.0),
    "auroc_pathogenic": ("AUROC", 1, 0.5),
}
"""Metrics of the comparison: what they are called, the sign of an improvement, and the value of
predictions that are all the same."""

COLUMNS = ["subset", "baseline", "metric", "difference", "low", "high", "p_value", "verdict"]


def compare(
    evaluation: Evaluation,
    head: str,
    baselines: Sequence[str],
    target: Target = IMPACT,
    columns: Sequence[UserColumn] = (),
) -> pd.DataFrame:
    """Compare the head with each baseline on the carried alleles that the headline is about.

    All rows are not compared: there a single bit, whether a read carries an allele, explains most
    of the score. A model whose predictions are all the same ranks nothing: its rank correlation
    counts as 0, its AUROC as 0.5. A user's column that lacks values is compared on the alleles
    that have one, and in ranking alone.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`: `difference` (head minus baseline), `low` and `high` (of its 95%
        interval), `p_value` (corrected by Holm for the number of rows) and `verdict` (a
        sentence). Where the head itself has no value there is no row; with too few independent
        units `low`, `high` and `p_value` are NaN.
    """
    subset = headline_subset(evaluation.metrics, target)
    where = dict.fromkeys(baselines, subset)
    for column in columns:
        if (name := with_column(subset, column)) in evaluation.metrics:
            where[model_name(column)] = name
    only_rank = {model_name(column) for column in columns}
    found = {
        (metric, baseline): difference
        for metric in target.compared
        for baseline in baselines
        if baseline not in only_rank or _ranks(evaluation, where[baseline], metric, baseline)
        if (difference := _difference(evaluation, where[baseline], metric, head, baseline))
        is not None
    }
    known = {
        name: evaluation.units.get(name, (0, 0.0))[0] >= FEWEST_UNITS for name in where.values()
    }
    p_values = holm(
        np.array(
            [
                one.p_value() if known[where[baseline]] else np.nan
                for (_, baseline), one in found.items()
            ]
        )
    )
    rows = []
    for ((metric, baseline), difference), p_value in zip(found.items(), p_values, strict=True):
        own = where[baseline]
        low, high = difference.interval() if known[own] else (np.nan, np.nan)
        numbers = (difference.value, low, high, p_value)
        told = own
        if own != subset:
            held, every = (evaluation.metrics[one][head][metric][3] for one in (own, subset))
            told = f"{own} ({held:,} of {every:,} alleles)"
        rows.append((own, baseline, metric, *numbers, _verdict(told, baseline, metric, numbers)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _difference(
    evaluation: Evaluation, subset: str, metric: str, head: str, baseline: str
) -> Jackknifed | None:
    found: Mapping[str, Mapping[str, Jackknifed]] = evaluation.jackknifed.get(subset, {})
    ours = found.get(head, {}).get(metric)
    if ours is None:
        return None
    chance = COMPARED[metric][2]
    nothing = Jackknifed(chance, np.full_like(ours.left_out, chance), ours.effective)
    return ours - found[baseline].get(metric, nothing)


def _ranks(evaluation: Evaluation, subset: str, metric: str, column: str) -> bool:
    """Whether a user's column has enough values to be compared by a metric."""
    estimate = evaluation.metrics.get(subset, {}).get(column, {}).get(metric)
    return estimate is not None and estimate[3] >= FEWEST_ALLELES


def _verdict(
    subset: str, baseline: str, metric: str, numbers: tuple[float, float, float, float]
) -> str:
    difference, low, high, p_value = numbers
    name, sign, _ = COMPARED[metric]
    against = spoken(baseline)
    if np.isnan(p_value):
        return f"{subset}: too few genes to compare the head with {against} ({difference:+.2f})"
    judged = "no clear difference from"
    if p_value < SIGNIFICANT:
        judged = "better than" if difference * sign > 0 else "worse than"
    return (
        f"{subset}: {'the head is ' if p_value < SIGNIFICANT else ''}{judged} {against} by {name}"
        f" ({difference:+.2f}, 95% interval {low:+.2f} to {high:+.2f})"
    )
