"""Charts as Vega-Lite specifications, drawn by the cards without a network."""

from typing import Any

import altair as alt
import pandas as pd

IMPACT_COLOURS = {
    "NONE": "#9e9e9e",
    "MODIFIER": "#4c78a8",
    "LOW": "#59a14f",
    "MODERATE": "#f2a33a",
    "HIGH": "#d1495b",
}
"""From harmless to severe; readable in print and for colour-blind readers by lightness."""

Spec = dict[str, Any]


def label_distribution(before: pd.Series, after: pd.Series) -> Spec:
    """Rows per impact score before and after balancing.

    Parameters
    ----------
    before, after
        Impact scores (0..10) of the training rows.
    """
    counts = pd.concat(
        [
            scores.value_counts().rename_axis("score").reset_index(name="rows").assign(rows_are=name)
            for name, scores in (("before balancing", before), ("after", after))
        ]
    )
    chart = (
        alt.Chart(counts)
        .mark_bar()
        .encode(
            x=alt.X("score:O", title="impact score", axis=alt.Axis(labelAngle=0)),
            xOffset=alt.XOffset("rows_are:N", sort=["before balancing", "after"]),
            y=alt.Y("rows:Q", title="training rows"),
            color=alt.Color("rows_are:N", title=None, sort=["before balancing", "after"]),
            tooltip=["score:O", "rows_are:N", "rows:Q"],
        )
        .properties(height=220)
    )
    return _spec(chart)


def learning_curves(history: pd.DataFrame) -> Spec:
    """Loss of training and validation by epoch.

    Parameters
    ----------
    history
        Columns `epoch`, `training_loss`, `validation_loss`.
    """
    losses = history.melt("epoch", ["training_loss", "validation_loss"], "of", "loss")
    losses["of"] = losses["of"].str.removesuffix("_loss")
    chart = (
        alt.Chart(losses)
        .mark_line(point=True)
        .encode(
            x=alt.X("epoch:Q", axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("loss:Q", title="mean squared error", scale=alt.Scale(zero=False)),
            color=alt.Color("of:N", title=None),
            tooltip=["epoch", "of", "loss"],
        )
        .properties(height=260)
    )
    return _spec(chart)


def predicted_against_true(predictions: pd.DataFrame) -> Spec:
    """Every test example: the score it has and the score the head gives it.

    Parameters
    ----------
    predictions
        Columns `impact_score`, `impact` and `head` (predicted score, 0..10).
    """
    shown = predictions[["impact_score", "impact", "head"]]
    base = alt.Chart(shown).encode(
        x=alt.X("impact_score:O", title="impact score", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("head:Q", title="predicted score", scale=alt.Scale(domain=[0, 10])),
        color=alt.Color("impact:N", title=None, scale=_impact_scale()),
    )
    points = (
        base.transform_calculate(jitter="random() - 0.5")
        .mark_circle(size=18, opacity=0.45)
        .encode(xOffset="jitter:Q")
    )
    medians = base.mark_tick(thickness=3, width=40, color="black").encode(
        y="median(head):Q", color=alt.value("black")
    )
    return _spec((points + medians).properties(height=300))


def forest(estimates: pd.DataFrame, metric: str) -> Spec:
    """One metric of every model, with its interval.

    Parameters
    ----------
    estimates
        Columns `model`, `value`, `low`, `high`; the order of rows is kept.
    metric
        The name on the axis.
    """
    order = list(estimates["model"])
    base = alt.Chart(estimates).encode(y=alt.Y("model:N", sort=order, title=None))
    intervals = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title=metric, scale=alt.Scale(zero=False)), x2="high:Q"
    )
    points = base.mark_circle(size=90).encode(
        x="value:Q", tooltip=["model", "value", "low", "high"]
    )
    return _spec((intervals + points).properties(height=30 * len(order)))


def _impact_scale() -> alt.Scale:
    return alt.Scale(domain=list(IMPACT_COLOURS), range=list(IMPACT_COLOURS.values()))


def _spec(chart: alt.Chart | alt.LayerChart) -> Spec:
    specification: Spec = chart.to_dict()
    return specification
