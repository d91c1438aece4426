"""The report of a run: the card of `end`."""

from collections.abc import Iterable
from typing import Any

import pandas as pd
from metaflow.cards import Markdown, VegaChart

from evoflow.report import assessment, cards, charts
from evoflow.report.record import Metrics, RunRecord, caveats

METRIC_TITLES = {
    "spearman": "Spearman correlation (higher is better)",
    "pearson": "Pearson correlation (higher is better)",
    "rmse": "root mean squared error (lower is better)",
    "mae": "mean absolute error (lower is better)",
}
"""The metrics that are drawn, in this order; every metric is in the table."""

WORST = 20


def show_report(card: Any, run: RunRecord) -> None:
    """Append the whole report to a card."""
    card.append(Markdown("# How well the head predicts the impact of a variant"))
    for caveat in caveats(run.settings):
        cards.note(card, caveat)
    _show_data(card, run)
    card.append(Markdown("## Learning"))
    for specification in cards.learning_charts(run.history):
        card.append(VegaChart(specification))
    _show_metrics(card, run.metrics)
    _show_errors(card, run.predictions, models(run.metrics))
    card.append(Markdown("## Provenance"))
    card.append(cards.facts(run.provenance))
    card.append(Markdown("### Settings"))
    card.append(cards.facts(cards.flat(run.settings)))


def models(metrics: Metrics) -> list[str]:
    """Name the head and the baselines, in the order of the metrics."""
    return list(dict.fromkeys(model for subset in metrics.values() for model in subset))


def estimates(metrics: Metrics) -> pd.DataFrame:
    """Lay out the metrics as rows: `subset`, `model`, `metric`, `value`, `low`, `high`, `n`."""
    rows = [
        (subset, model, metric, *estimate)
        for subset, by_model in metrics.items()
        for model, by_metric in by_model.items()
        for metric, estimate in by_metric.items()
    ]
    names = ["subset", "model", "metric", "value", "low", "high", "n"]
    return pd.DataFrame(rows, columns=names).astype({"value": float, "low": float, "high": float})


def _show_data(card: Any, run: RunRecord) -> None:
    card.append(Markdown("## What went in"))
    cards.show_splits(card, run.split_counts, run.split_notes)
    cards.show_balance(card, run.balance_counts)
    cards.show_reasons(card, run.extraction)


def _show_metrics(card: Any, metrics: Metrics) -> None:
    card.append(Markdown("## The head beside the baselines, on the test split"))
    card.append(Markdown("A dot is the value, a line its 95% bootstrap interval."))
    rows = estimates(metrics)
    for metric, title in METRIC_TITLES.items():
        drawn = rows[(rows["metric"] == metric) & rows["value"].notna()]
        if not drawn.empty:
            card.append(VegaChart(charts.forest(drawn, title, models(metrics))))
    for subset, by_metric in rows.groupby("subset", sort=False):
        card.append(Markdown(f"### {subset} (n = {by_metric['n'].max():,})"))
        card.append(cards.table(_wide(by_metric)))


def _wide(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a model, one column a metric, each `value [low, high]`."""
    text = rows.apply(lambda row: interval(row["value"], row["low"], row["high"]), axis=1)
    order = list(dict.fromkeys(rows["model"]))
    wide = rows.assign(text=text).pivot_table(
        index="model", columns="metric", values="text", aggfunc="first", sort=False
    )
    return wide.loc[order].reset_index()


def interval(value: float, low: float, high: float) -> str:
    """`0.412 [0.350, 0.470]`; a dash where the metric is not defined."""
    if pd.isna(value):
        return "-"
    return f"{value:.3f}" if pd.isna(low) else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _show_errors(card: Any, predictions: pd.DataFrame, names: Iterable[str]) -> None:
    card.append(Markdown("## Predicted against true"))
    card.append(VegaChart(charts.predicted_against_true(predictions)))
    card.append(Markdown("A black bar is the median of the predictions for a score."))
    card.append(Markdown("## Calibration"))
    card.append(VegaChart(charts.calibration(assessment.calibration(predictions))))
    card.append(Markdown("## Errors by impact"))
    drawn = [name for name in names if name in predictions]
    card.append(VegaChart(charts.errors_by_impact(assessment.errors(predictions, drawn))))
    card.append(VegaChart(charts.confusion(assessment.confusion(predictions))))
    card.append(Markdown(f"## The {WORST} worst predictions"))
    card.append(cards.table(assessment.worst(predictions, WORST)))
