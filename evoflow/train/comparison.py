"""Whether the head beats each baseline, in numbers and in words."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from evoflow.train.metrics import Evaluation, interval

COMPARED = {"spearman": ("rank correlation", 1), "rmse": ("root mean squared error", -1)}
"""Metrics of the comparison: what they are called, and the sign of an improvement."""

SUBSETS = ("all", "carriers")


def compare(evaluation: Evaluation, head: str, baselines: Sequence[str]) -> pd.DataFrame:
    """Compare the head with each baseline on the same replicates of the bootstrap.

    A model whose predictions are all the same ranks nothing: its rank correlation counts as 0.

    Returns
    -------
    DataFrame
        Columns `subset`, `baseline`, `metric`, `difference` (head minus baseline), `low` and
        `high` (of its 95% interval) and `verdict` (a sentence). Where the head itself has no
        value there is no row.
    """
    rows = []
    for subset in SUBSETS:
        if subset not in evaluation.metrics:
            continue
        for metric in COMPARED:
            for baseline in baselines:
                row = _difference(evaluation, subset, metric, head, baseline)
                if row is not None:
                    rows.append(
                        (subset, baseline, metric, *row, _verdict(subset, baseline, metric, row))
                    )
    columns = ["subset", "baseline", "metric", "difference", "low", "high", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def _difference(
    evaluation: Evaluation, subset: str, metric: str, head: str, baseline: str
) -> tuple[float, float, float] | None:
    value, low, _, _ = evaluation.metrics[subset][head][metric]
    if value is None or low is None:
        return None
    other = evaluation.metrics[subset][baseline][metric][0] or 0.0
    replicates = evaluation.replicates[subset]
    others = replicates[baseline].get(metric, np.zeros_like(replicates[head][metric]))
    return value - other, *interval(replicates[head][metric] - others)


def _verdict(subset: str, baseline: str, metric: str, row: tuple[float, float, float]) -> str:
    difference, low, high = row
    name, sign = COMPARED[metric]
    better, worse = (low > 0, high < 0) if sign > 0 else (high < 0, low > 0)
    judged = "better than" if better else "worse than" if worse else "not told apart from"
    return (
        f"{subset}: the head is {judged} {baseline.replace('_', ' ')} by {name}"
        f" ({difference:+.2f}, 95% interval {low:+.2f} to {high:+.2f})"
    )
