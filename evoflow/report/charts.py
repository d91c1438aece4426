"""Charts as Vega-Lite specifications, drawn by the cards without a network."""

import math
from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from evoflow.augment.balance import SOURCES
from evoflow.report.tallies import IMPACTS, STAGES

Spec = dict[str, Any]

IMPACT_COLOURS = ["#a3acb9", "#4c78a8", "#3f9b8f", "#eb9b34", "#c8374f"]
"""Of `IMPACTS`, from harmless to severe."""

SERIES_COLOURS = ["#c8374f", "#4c78a8", "#eb9b34", "#3f9b8f", "#8a63a8", "#6b7280", "#a0722a"]
"""For models and other series; the first is the head's."""

WIDTH = 680
"""Pixels. The cards' own choice, the width of the container, is 0 before the page is laid out."""

MOST_POINTS = 4000
"""Examples that a chart draws one by one: what a browser shows at once and a card can hold."""

_INK = "#333333"
_LINE = "#dfe3e8"


def score_shares(counts: pd.DataFrame) -> Spec:
    """Training rows per score, before and after balancing, by where the rows come from.

    Parameters
    ----------
    counts
        Columns `score`, `stage`, `source`, `rows`, as `tallies.balance_counts` gives them.
    """
    colours = alt.Scale(domain=SOURCES, range=SERIES_COLOURS[1 : len(SOURCES) + 1])
    rank = counts.assign(rank=counts["source"].map(SOURCES.index))
    chart = (
        alt.Chart(rank)
        .mark_bar()
        .encode(
            x=alt.X("score:O", title="impact score", axis=alt.Axis(labelAngle=0)),
            xOffset=alt.XOffset("stage:N", sort=STAGES),
            y=alt.Y("sum(rows):Q", title="training rows"),
            color=alt.Color("source:N", title=None, scale=colours),
            order=alt.Order("rank:Q"),
            opacity=alt.Opacity(
                "stage:O",
                title=None,
                sort=STAGES,
                scale=alt.Scale(domain=STAGES, range=[0.45, 1.0]),
            ),
            tooltip=["score:O", "stage:N", "source:N", "rows:Q"],
        )
    )
    return _spec(chart, height=240)


def impacts_by_group(counts: pd.DataFrame, group: str, title: str) -> Spec:
    """Rows of each impact in every group, as stacked bars.

    Parameters
    ----------
    counts
        Columns `group` (named by the parameter), `impact`, `rows`; the groups keep their order.
    group
        The column that names a bar.
    title
        What the bars count.
    """
    groups = list(dict.fromkeys(counts[group]))
    ranked = counts.assign(severity=counts["impact"].map(IMPACTS.index))
    chart = (
        alt.Chart(ranked)
        .mark_bar()
        .encode(
            y=alt.Y(f"{group}:N", sort=groups, title=None),
            x=alt.X("rows:Q", title=title, stack="zero"),
            color=_impact_colour(),
            order=alt.Order("severity:Q"),
            tooltip=[f"{group}:N", "impact:N", "rows:Q"],
        )
    )
    return _spec(chart, height=34 * max(len(groups), 2))


def learning_curves(history: pd.DataFrame, columns: Sequence[str], title: str) -> Spec:
    """Draw some quantities by epoch, as lines.

    Parameters
    ----------
    history
        Column `epoch` and `columns`; missing values leave a gap.
    columns
        The quantities; their names are the legend.
    title
        What they measure, for the axis.
    """
    names = [column.replace("_", " ") for column in columns]
    points = history.rename(columns=dict(zip(columns, names, strict=True)))
    points = points.melt("epoch", names, "of", "value").dropna(subset="value")
    chart = (
        alt.Chart(points)
        .mark_line(point=alt.OverlayMarkDef(size=26), strokeWidth=2)
        .encode(
            x=alt.X("epoch:Q", axis=alt.Axis(tickMinStep=1, format="d", grid=False)),
            y=alt.Y("value:Q", title=title, scale=alt.Scale(zero=False)),
            color=alt.Color("of:N", title=None, scale=_series(names)),
            tooltip=["epoch:Q", "of:N", alt.Tooltip("value:Q", format=".4f")],
        )
    )
    return _spec(chart, height=240)


def predicted_against_true(predictions: pd.DataFrame) -> Spec:
    """Test examples under the score that they have, at the score that the head gives them.

    Where there are more than `MOST_POINTS`, every so manieth is drawn; the medians are of all.

    Parameters
    ----------
    predictions
        Columns `impact`, `impact_score` and `head` (predicted score, 0..10).
    """
    every = math.ceil(len(predictions) / MOST_POINTS)
    shown = predictions[["impact_score", "impact", "head"]].iloc[::every]
    # The golden ratio spreads neighbours evenly, the same way at every drawing.
    shown = shown.assign(spread=np.arange(len(shown)) * 0.618034 % 1)
    middle = predictions.groupby("impact_score")["head"].median().reset_index()
    x = alt.X("impact_score:O", title="true impact score", axis=alt.Axis(labelAngle=0))
    points = (
        alt.Chart(shown)
        .encode(x=x)
        .mark_circle(size=22, opacity=0.5)
        .encode(
            y=alt.Y("head:Q", title="predicted score", scale=alt.Scale(domain=[0, 10])),
            xOffset=alt.XOffset("spread:Q", scale=alt.Scale(domain=[-0.3, 1.3])),
            color=_impact_colour(),
            tooltip=["impact:N", "impact_score:O", alt.Tooltip("head:Q", format=".2f")],
        )
    )
    medians = alt.Chart(middle).encode(x=x)
    medians = medians.mark_tick(thickness=3, size=56, color=_INK, orient="horizontal").encode(
        y=alt.Y("head:Q"), tooltip=[alt.Tooltip("head:Q", title="median", format=".2f")]
    )
    return _spec(points + medians, height=320)


def forest(estimates: pd.DataFrame, title: str, models: Sequence[str]) -> Spec:
    """One metric of every model in every subset, with its interval.

    Parameters
    ----------
    estimates
        Columns `subset`, `model`, `value`, `low`, `high`, `n`; the order of subsets is kept.
    title
        The metric's name and unit, for the axis.
    models
        All models, so that each has the same colour in every chart.
    """
    subsets = list(dict.fromkeys(estimates["subset"]))
    models = [model.replace("_", " ") for model in models]
    named = estimates.assign(model=estimates["model"].str.replace("_", " "))
    base = alt.Chart(named).encode(
        y=alt.Y("subset:N", sort=subsets, title=None, axis=alt.Axis(grid=True, bandPosition=0)),
        yOffset=alt.YOffset("model:N", sort=models),
        color=alt.Color("model:N", title=None, sort=models, scale=_series(models)),
    )
    intervals = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title=title, scale=alt.Scale(zero=False, padding=12)), x2="high:Q"
    )
    numbers = [alt.Tooltip(f"{name}:Q", format=".3f") for name in ("value", "low", "high")]
    points = base.mark_circle(size=80, opacity=1).encode(
        x="value:Q", tooltip=["subset:N", "model:N", *numbers, "n:Q"]
    )
    return _spec(intervals + points, height=(14 * len(models) + 12) * max(len(subsets), 1))


def confusion(counts: pd.DataFrame) -> Spec:
    """Set the true impact against the impact whose score is nearest to the prediction.

    Parameters
    ----------
    counts
        Columns `impact`, `predicted`, `rows`, `share` (of the rows with that true impact).
    """
    base = alt.Chart(counts).encode(
        x=alt.X("predicted:N", sort=IMPACTS, title="predicted impact", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("impact:N", sort=IMPACTS, title="true impact"),
    )
    cells = base.mark_rect().encode(
        color=alt.Color(
            "share:Q",
            title="share of the row",
            scale=alt.Scale(domain=[0, 1], range=["#f6f8fa", "#24507f"]),
            legend=alt.Legend(format=".0%", gradientLength=140),
        ),
        tooltip=["impact:N", "predicted:N", "rows:Q", alt.Tooltip("share:Q", format=".0%")],
    )
    numbers = base.mark_text(fontSize=12).encode(
        text=alt.Text("rows:Q", format=","),
        color=alt.condition("datum.share > 0.5", alt.value("white"), alt.value(_INK)),
    )
    return _spec(cells + numbers, height=40 * counts["impact"].nunique())


def calibration(bins: pd.DataFrame) -> Spec:
    """Mean true score of the examples that were given about the same score.

    Parameters
    ----------
    bins
        Columns `predicted`, `true` (means of the bin, 0..10) and `rows`.
    """
    even = alt.Chart(pd.DataFrame({"predicted": [0, 10], "true": [0, 10]})).mark_line(
        strokeDash=[5, 4], color="#9aa3ad"
    )
    points = alt.Chart(bins).mark_line(
        color=SERIES_COLOURS[0], point=alt.OverlayMarkDef(color=SERIES_COLOURS[0], size=60)
    )
    scale = alt.Scale(domain=[0, 10])
    lines = [
        line.encode(
            x=alt.X("predicted:Q", title="mean predicted score", scale=scale),
            y=alt.Y("true:Q", title="mean true score", scale=scale),
        )
        for line in (even, points)
    ]
    numbers = [alt.Tooltip(f"{name}:Q", format=".2f") for name in ("predicted", "true")]
    return _spec(lines[0] + lines[1].encode(tooltip=[*numbers, "rows:Q"]), height=360, width=360)


def errors_by_impact(errors: pd.DataFrame) -> Spec:
    """Mean absolute error of every model for each impact.

    Parameters
    ----------
    errors
        Columns `impact`, `model`, `error`, `rows`; the order of models is kept.
    """
    named = errors.assign(model=errors["model"].str.replace("_", " "))
    models = list(dict.fromkeys(named["model"]))
    chart = (
        alt.Chart(named)
        .mark_bar()
        .encode(
            x=alt.X("impact:N", sort=IMPACTS, title=None, axis=alt.Axis(labelAngle=0)),
            xOffset=alt.XOffset("model:N", sort=models),
            y=alt.Y("error:Q", title="mean absolute error"),
            color=alt.Color("model:N", title=None, scale=_series(models)),
            tooltip=["impact:N", "model:N", alt.Tooltip("error:Q", format=".2f"), "rows:Q"],
        )
    )
    return _spec(chart, height=240)


def _impact_colour() -> alt.Color:
    scale = alt.Scale(domain=IMPACTS, range=IMPACT_COLOURS)
    return alt.Color("impact:N", title=None, scale=scale)


def _series(names: Sequence[str]) -> alt.Scale:
    colours = [SERIES_COLOURS[i % len(SERIES_COLOURS)] for i in range(len(names))]
    return alt.Scale(domain=list(names), range=colours)


def _spec(chart: alt.Chart | alt.LayerChart, height: int, width: int = WIDTH) -> Spec:
    font = "Roboto, system-ui, sans-serif"
    styled = (
        chart.properties(width=width, height=height)
        .configure(font=font, padding=8)
        .configure_view(stroke=None)
        .configure_axis(
            gridColor=_LINE,
            domainColor="#9aa3ad",
            tickColor="#9aa3ad",
            labelColor=_INK,
            titleColor=_INK,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight=500,
        )
        .configure_legend(orient="top", labelFontSize=12, labelColor=_INK, titleColor=_INK)
    )
    specification: Spec = styled.to_dict()
    return specification
