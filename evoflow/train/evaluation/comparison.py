"""Whether the head beats each baseline, in numbers and in words."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from evoflow.train.evaluation.headline import SIGNIFICANT
from evoflow.train.evaluation.jackknife import Jackknifed, holm
from evoflow.train.evaluation.metrics import FEWEST_UNITS, Evaluation
from evoflow.train.evaluation.subsets import headline_subset

COMPARED = {"spearman": ("rank correlation", 1), "rmse": ("root mean squared error", -1)}
"""Metrics of the comparison: what they are called, and the sign of an improvement."""

COLUMNS = ["subset", "baseline", "metric", "difference", "low", "high", "p_value", "verdict"]


def compare(evaluation: Evaluation, head: str, baselines: Sequence[str]) -> pd.DataFrame:
    """Compare the head with each baseline on the carried alleles.

    All rows are not compared: there a single bit, whether a read carries an allele, explains most
    of the score. A model whose predictions are all the same ranks nothing: its rank correlation
    counts as 0.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`: `difference` (head minus baseline), `low` and `high` (of its 95%
        interval), `p_value` (corrected by Holm for the number of rows) and `verdict` (a
        sentence). Where the head itself has no value there is no row; with too few independent
        units `low`, `high` and `p_value` are NaN.
    """
    subset = headline_subset(evaluation.metrics)
    found = {
        (metric, baseline): difference
        for metric in COMPARED
        for baseline in baselines
        if (difference := _difference(evaluation, subset, metric, head, baseline)) is not None
    }
    known = evaluation.units.get(subset, (0, 0.0))[0] >= FEWEST_UNITS
    p_values = holm(np.array([one.p_value() if known else np.nan for one in found.values()]))
    rows = []
    for ((metric, baseline), difference), p_value in zip(found.items(), p_values, strict=True):
        low, high = difference.interval() if known else (np.nan, np.nan)
        numbers = (difference.value, low, high, p_value)
        verdict = _verdict(subset, baseline, metric, numbers)
        rows.append((subset, baseline, metric, *numbers, verdict))
    return pd.DataFrame(rows, columns=COLUMNS)


def _difference(
    evaluation: Evaluation, subset: str, metric: str, head: str, baseline: str
) -> Jackknifed | None:
    found: Mapping[str, Mapping[str, Jackknifed]] = evaluation.jackknifed.get(subset, {})
    ours = found.get(head, {}).get(metric)
    if ours is None:
        return None
    nothing = Jackknifed(0.0, np.zeros_like(ours.left_out), ours.effective)
    return ours - found[baseline].get(metric, nothing)


def _verdict(
    subset: str, baseline: str, metric: str, numbers: tuple[float, float, float, float]
) -> str:
    difference, low, high, p_value = numbers
    name, sign = COMPARED[metric]
    against = baseline.replace("_", " ")
    if np.isnan(p_value):
        return f"{subset}: too few genes to compare the head with {against} ({difference:+.2f})"
    judged = "no clear difference from"
    if p_value < SIGNIFICANT:
        judged = "better than" if difference * sign > 0 else "worse than"
    return (
        f"{subset}: {'the head is ' if p_value < SIGNIFICANT else ''}{judged} {against} by {name}"
        f" ({difference:+.2f}, 95% interval {low:+.2f} to {high:+.2f})"
    )
