"""Charts as Vega-Lite specifications, drawn by the cards without a network."""

from evoflow.report.charts.inputs import impacts_by_group, score_shares
from evoflow.report.charts.results import (
    calibration,
    confusion,
    errors_by_impact,
    forest,
    learning_curves,
    predicted_against_true,
    scattered,
)
from evoflow.report.charts.style import FEWEST_ROWS, Spec

__all__ = [
    "FEWEST_ROWS",
    "Spec",
    "calibration",
    "confusion",
    "errors_by_impact",
    "forest",
    "impacts_by_group",
    "learning_curves",
    "predicted_against_true",
    "scattered",
    "score_shares",
]
