"""What the report says of the test predictions: errors, confusion, calibration, the worst ones."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from evoflow.labels.target import LABEL
from evoflow.report.tallies import IMPACTS

LONGEST_ALLELE = 12
"""Bases of an allele that a table shows."""


def errors(predictions: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """Mean absolute error by impact and model: `impact`, `model`, `error`, `rows`.

    Parameters
    ----------
    predictions
        Columns `impact`, `label` and one of predicted scores for each model.
    models
        The columns of predicted scores; their order is kept.
    """
    long = predictions.melt(["impact", LABEL], list(models), "model", "score")
    long["error"] = (long["score"] - long[LABEL]).abs()
    means = long.groupby(["model", "impact"], sort=False)["error"].agg(error="mean", rows="size")
    return means.reset_index()


def confusion(predictions: pd.DataFrame) -> pd.DataFrame:
    """Rows of every true and predicted impact: `impact`, `predicted`, `rows`, `share`.

    The predicted impact is the one, of those that occur, whose score is nearest to the head's;
    `share` is of the rows with that true impact.
    """
    scores = predictions.groupby("impact")[LABEL].first()
    impacts = [impact for impact in IMPACTS if impact in scores.index]
    distances = np.abs(predictions["head"].to_numpy()[:, None] - scores[impacts].to_numpy())
    predicted = np.array(impacts)[distances.argmin(axis=1)]
    grid = pd.crosstab(predictions["impact"].to_numpy(), predicted)
    grid = grid.reindex(index=impacts, columns=impacts, fill_value=0)
    counts = grid.rename_axis("impact").reset_index().melt("impact", impacts, "predicted", "rows")
    counts["share"] = counts["rows"] / counts.groupby("impact")["rows"].transform("sum")
    return counts


def calibration(predictions: pd.DataFrame, bins: int = 10) -> pd.DataFrame:
    """Mean predicted and mean true score of carried alleles, in `bins` groups of as many `rows`.

    Scores are calibrated on carried alleles; where no read carries its allele, all rows count.
    """
    carried = predictions["carries_alt"].astype(bool)
    predictions = predictions[carried] if carried.any() else predictions
    ranks = predictions["head"].rank(method="first")
    groups = pd.cut(ranks, min(bins, len(predictions)), labels=False)
    by_group = predictions.groupby(groups)
    return pd.DataFrame(
        {
            "predicted": by_group["head"].mean(),
            "true": by_group[LABEL].mean(),
            "rows": by_group.size(),
        }
    ).reset_index(drop=True)


def furthest(predictions: pd.DataFrame, rows: int) -> pd.DataFrame:
    """Take the rows of the predictions that are furthest from the truth, the worst first."""
    error = (predictions["head"] - predictions[LABEL]).abs()
    return predictions.iloc[np.argsort(-error.to_numpy(), kind="stable")[:rows]]


def worst(predictions: pd.DataFrame, rows: int) -> pd.DataFrame:
    """Find the variants whose prediction is furthest from the truth, the worst first."""
    found = furthest(predictions, rows)
    alleles = found[["contig", "position", "ref", "alt"]].to_numpy()
    digits = 1 if found[LABEL].abs().max() > 1 else 2
    return pd.DataFrame(
        {
            "variant": [
                f"{contig}:{position} {shortened(ref)}>{shortened(alt)}"
                for contig, position, ref, alt in alleles
            ],
            "RS id": found["rsid"],
            "individual": found["individual"],
            "gene": found["gene"],
            "consequence": found["consequence"].str.replace("_", " "),
            "true": found[LABEL],
            "predicted": found["head"].map(f"{{:.{digits}f}}".format),
        }
    )


def shortened(allele: str) -> str:
    """Give a long allele's first bases and its length."""
    return allele if len(allele) <= LONGEST_ALLELE else f"{allele[:LONGEST_ALLELE]}…({len(allele)})"
