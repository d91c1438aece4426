"""The report of a run: the card of `end`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
from metaflow.cards import Markdown, VegaChart

from evoflow.report import assessment, cards, charts
from evoflow.report.plain import plain
from evoflow.report.record import RunRecord, caveats

if TYPE_CHECKING:
    from evoflow.train.headline import Headline
    from evoflow.train.metrics import Table

METRIC_TITLES = {
    "spearman": "Spearman correlation (higher is better)",
    "rmse": "root mean squared error (lower is better)",
    "macro_mae": "mean absolute error, averaged over the scores (lower is better)",
    "auroc_high": "AUROC of HIGH against the rest (higher is better)",
    "auroc_pathogenic": "AUROC of pathogenic against benign (higher is better)",
}
"""The metrics that are drawn, in this order; every metric is in the table."""

WORST = 20

MOST_SUBSETS = 16
"""Subsets that are drawn; every individual is one."""


def show_report(card: Any, run: RunRecord) -> None:
    """Append the whole report to a card."""
    card.append(Markdown("# How well the head predicts the impact of a variant"))
    cards.note(card, caveats(run.settings))
    show_headline(card, run.headline)
    card.append(Markdown("## What went in"))
    cards.show_splits(card, run.split_counts, run.split_notes)
    cards.show_balance(card, run.balance_counts)
    cards.show_reasons(card, run.extraction)
    card.append(Markdown("## Learning"))
    for specification in cards.learning_charts(run.history):
        card.append(VegaChart(specification))
    models = list(run.metrics["all"])
    _show_metrics(card, run, models)
    _show_errors(card, run.predictions, models)
    card.append(Markdown("## Provenance"))
    card.append(cards.facts(cards.flat(run.provenance)))
    card.append(Markdown("### Settings"))
    card.append(cards.facts(cards.flat(run.settings)))


def show_headline(card: Any, found: "Headline") -> None:
    """Show the one result: the head beside the best baseline on carried alleles."""
    card.append(Markdown(f"**{found.verdict[0].upper()}{found.verdict[1:]}.**"))
    if found.missing:
        return
    rows = {"head": str(found.head)}
    if found.baseline:
        rows |= {found.baseline.replace("_", " "): str(found.best)}
        rows |= {"difference": str(found.difference)}
    card.append(
        cards.table(pd.DataFrame({"model": [*rows], "Spearman correlation": [*rows.values()]}))
    )
    hint = " So few make the interval only a hint." if found.is_hint else ""
    card.append(
        Markdown(
            f"{found.subset}: {found.rows:,} alleles in {found.units:,} independent genes.{hint}"
        )
    )


def estimates(metrics: "Table") -> pd.DataFrame:
    """Lay out the metrics as rows: `subset`, `model`, `metric`, `value`, `low`, `high`, `n`."""
    rows = [
        (subset, model, metric, *estimate)
        for subset, by_model in metrics.items()
        for model, by_metric in by_model.items()
        for metric, estimate in by_metric.items()
    ]
    names = ["subset", "model", "metric", "value", "low", "high", "n"]
    return pd.DataFrame(rows, columns=names).astype({"value": float, "low": float, "high": float})


def interval(value: float, low: float, high: float) -> str:
    """Write `0.41 [0.35, 0.47]`; a dash where the metric is not defined."""
    if pd.isna(value):
        return "-"
    return f"{value:.2f}" if pd.isna(low) else f"{value:.2f} [{low:.2f}, {high:.2f}]"


def _show_metrics(card: Any, run: RunRecord, models: list[str]) -> None:
    card.append(Markdown("## The head beside the baselines, on the test split"))
    card.append(Markdown("A dot is the value, a line its 95% interval."))
    cards.show_verdicts(card, run.comparisons)
    shown = list(run.metrics)[:MOST_SUBSETS]
    rows = estimates({subset: run.metrics[subset] for subset in shown})
    if len(run.metrics) > MOST_SUBSETS:
        left = len(run.metrics) - MOST_SUBSETS
        cards.note(card, [f"{left:,} further subsets are in the artifact `metrics`."])
    for metric, title in METRIC_TITLES.items():
        drawn = rows[(rows["metric"] == metric) & rows["value"].notna()]
        if not drawn.empty:
            card.append(VegaChart(charts.forest(drawn, title, models)))
    for subset, by_metric in rows.groupby("subset", sort=False):
        card.append(Markdown(f"### {plain(subset)} (n = {by_metric['n'].max():,})"))
        card.append(cards.table(_one_row_a_metric(by_metric)))
        cards.note(card, _reasons(run.undefined.get(str(subset), {})))


def _one_row_a_metric(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a metric, one column a model, each `value [low, high]`."""
    text = [interval(*row) for row in rows[["value", "low", "high"]].itertuples(index=False)]
    named = rows["metric"].str.replace("_", " ")
    wide = rows.assign(text=text, metric=named).pivot_table(
        index="metric", columns="model", values="text", aggfunc="first", sort=False
    )
    return wide.reset_index()


def _reasons(undefined: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Why metrics are missing, a line for each reason."""
    where: dict[str, tuple[list[str], list[str]]] = {}
    for model, by_metric in undefined.items():
        for metric, why in by_metric.items():
            models, metrics = where.setdefault(why, ([], []))
            models.append(model.replace("_", " "))
            metrics.append(metric)
    return [
        f"{', '.join(dict.fromkeys(metrics))} of {', '.join(dict.fromkeys(models))}: {why}"
        for why, (models, metrics) in where.items()
    ]


def _show_errors(card: Any, predictions: pd.DataFrame, models: list[str]) -> None:
    card.append(Markdown("## Predicted against true"))
    card.append(VegaChart(charts.predicted_against_true(predictions)))
    card.append(Markdown("A black bar is the median of the predictions for a score."))
    card.append(Markdown("## Calibration"))
    card.append(VegaChart(charts.calibration(assessment.calibration(predictions))))
    card.append(Markdown("## Errors by impact"))
    card.append(VegaChart(charts.errors_by_impact(assessment.errors(predictions, models))))
    card.append(VegaChart(charts.confusion(assessment.confusion(predictions))))
    card.append(Markdown(f"## The {WORST} worst predictions"))
    card.append(cards.table(assessment.worst(predictions, WORST)))
