"""Charts of what came out: training, predictions and their errors."""

import math
from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd

from evoflow.labels.target import LABEL
from evoflow.report.charts.style import (
    FEW_TICKS,
    INK,
    MOST_POINTS,
    N_BELOW,
    SERIES_COLOURS,
    SHORT_LABELS,
    Spec,
    impact_colour,
    series,
    spec,
    with_n,
)
from evoflow.report.tallies import IMPACTS
from evoflow.train.evaluation.names import spoken


def learning_curves(
    history: pd.DataFrame, columns: Sequence[str], title: str, best: int | None = None
) -> Spec:
    """Draw some quantities by epoch, as lines.

    Parameters
    ----------
    history
        Column `epoch` and `columns`; missing values leave a gap.
    columns
        The quantities; their names are the legend.
    title
        What they measure, for the axis.
    best
        The epoch whose weights were kept; it is marked.
    """
    names = [column.replace("_", " ") for column in columns]
    points = history.rename(columns=dict(zip(columns, names, strict=True)))
    points = points.melt("epoch", names, "of", "value").dropna(subset="value")
    chart = (
        alt.Chart(points)
        .mark_line(point=alt.OverlayMarkDef(size=26), strokeWidth=2)
        .encode(
            x=alt.X(
                "epoch:Q",
                scale=alt.Scale(domain=[1, max(2, int(history["epoch"].max()))]),
                axis=alt.Axis(tickMinStep=1, format="d", grid=False, tickCount=FEW_TICKS),
            ),
            y=alt.Y(
                "value:Q",
                title=title,
                scale=alt.Scale(zero=False),
                # Else the one tick of a level line is rounded to a whole number.
                axis=alt.Axis(labelExpr="format(datum.value, ',.6~r')"),
            ),
            color=alt.Color("of:N", title=None, scale=series(names)),
            tooltip=["epoch:Q", "of:N", alt.Tooltip("value:Q", format=".4f")],
        )
    )
    if best is None:
        return spec(chart, height=240)
    mark = alt.Chart(pd.DataFrame({"epoch": [best], "note": [f"best epoch: {best}"]}))
    rule = mark.mark_rule(strokeDash=[4, 3], color=INK).encode(x="epoch:Q")
    after = best <= history["epoch"].max() / 2
    label = mark.mark_text(align="left" if after else "right", dx=5 if after else -5, y=8)
    return spec(chart + rule + label.encode(x="epoch:Q", text="note:N"), height=240)


def scattered(predictions: pd.DataFrame, name: str) -> Spec:
    """Test alleles at the label that they have and the one that the head gives them.

    Parameters
    ----------
    predictions
        Columns `impact`, `label` and `head` (the predicted label).
    name
        What the label is called.
    """
    every = math.ceil(len(predictions) / MOST_POINTS)
    points = (
        alt.Chart(predictions[[LABEL, "impact", "head"]].iloc[::every])
        .mark_circle(size=26, opacity=0.6)
        .encode(
            x=alt.X(f"{LABEL}:Q", title=f"true {name}", scale=alt.Scale(zero=False)),
            y=alt.Y("head:Q", title=f"predicted {name}", scale=alt.Scale(zero=False)),
            color=impact_colour(),
            tooltip=["impact:N", f"{LABEL}:Q", alt.Tooltip("head:Q", format=".3f")],
        )
    )
    return spec(points, height=320)


def predicted_against_true(predictions: pd.DataFrame, ends: tuple[float, float], name: str) -> Spec:
    """Test examples under the score that they have, at the score that the head gives them.

    Where there are more than `MOST_POINTS`, evenly spaced ones are drawn; the medians use all.

    Parameters
    ----------
    predictions
        Columns `impact`, `label` and `head` (the predicted label).
    ends
        The lowest and the highest label.
    name
        What the label is called.
    """
    every = math.ceil(len(predictions) / MOST_POINTS)
    shown = predictions[[LABEL, "impact", "head"]].iloc[::every]
    # The golden ratio spreads neighbours evenly, the same way at every drawing.
    shown = shown.assign(spread=np.arange(len(shown)) * 0.618034 % 1)
    counted = predictions.groupby(LABEL)["head"].size()
    labels = {score: f"{score:g} (n={count:,})" for score, count in counted.items()}
    shown = shown.assign(score=shown[LABEL].map(labels))
    middle = predictions.groupby(LABEL)["head"].median().reset_index()
    middle = middle.assign(score=middle[LABEL].map(labels))
    x = alt.X(
        "score:O",
        sort=list(labels.values()),
        title=f"true {name}",
        axis=alt.Axis(
            labelAngle=0, labelExpr="width < 420 ? split(datum.label, ' ') : datum.label"
        ),
    )
    points = (
        alt.Chart(shown)
        .encode(x=x)
        .mark_circle(size=22, opacity=0.5)
        .encode(
            y=alt.Y("head:Q", title="predicted score", scale=alt.Scale(domain=list(ends))),
            xOffset=alt.XOffset("spread:Q", scale=alt.Scale(domain=[-0.3, 1.3])),
            color=impact_colour(),
            tooltip=["impact:N", "score:O", alt.Tooltip("head:Q", format=".2f")],
        )
    )
    medians = alt.Chart(middle).encode(x=x)
    medians = medians.mark_tick(thickness=3, size=56, color=INK, orient="horizontal").encode(
        y=alt.Y("head:Q"), tooltip=[alt.Tooltip("head:Q", title="median", format=".2f")]
    )
    return spec(points + medians, height=320)


def forest(
    estimates: pd.DataFrame,
    title: str,
    models: Sequence[str],
    span: tuple[float | None, float | None],
) -> Spec:
    """One metric of every model in every subset, with its interval.

    Parameters
    ----------
    estimates
        Columns `subset`, `model`, `value`, `low`, `high`, `n`; the order of subsets is kept.
    title
        The metric's name and unit, for the axis.
    models
        All models, so that each has the same colour in every chart.
    span
        What the metric can be, at least and at most: the axis goes no further.
    """
    clipped = {name: estimates[name].clip(*span) for name in ("value", "low", "high")}
    estimates = with_n(estimates.assign(rows=estimates["n"], **clipped), "subset", of="max")
    subsets = list(dict.fromkeys(estimates["subset"]))
    models = [spoken(model) for model in models]
    named = estimates.assign(model=estimates["model"].map(spoken))
    base = alt.Chart(named).encode(
        y=alt.Y(
            "subset:N",
            sort=subsets,
            title=None,
            axis=alt.Axis(grid=True, bandPosition=0, labelExpr=N_BELOW, labelLimit=250),
        ),
        yOffset=alt.YOffset("model:N", sort=models),
        color=alt.Color("model:N", title=None, sort=models, scale=series(models)),
    )
    intervals = base.mark_rule(strokeWidth=2).encode(
        x=alt.X(
            "low:Q",
            title=title,
            scale=alt.Scale(domain=_domain(estimates, span), nice=False),
            axis=alt.Axis(tickCount=FEW_TICKS, titleAnchor="end"),
        ),
        x2="high:Q",
    )
    numbers = [alt.Tooltip(f"{name}:Q", format=".3f") for name in ("value", "low", "high")]
    points = base.mark_circle(size=80, opacity=1).encode(
        x="value:Q", tooltip=["subset:N", "model:N", *numbers, "n:Q"]
    )
    return spec(intervals + points, height=(14 * len(models) + 12) * max(len(subsets), 1))


def confusion(counts: pd.DataFrame) -> Spec:
    """Set the true impact against the impact whose score is nearest to the prediction.

    Parameters
    ----------
    counts
        Columns `impact`, `predicted`, `rows`, `share` (of the rows with that true impact).
    """
    counts = with_n(counts, "impact")
    labels = sorted(counts["impact"].unique(), key=lambda name: IMPACTS.index(name.split(" ")[0]))
    base = alt.Chart(counts).encode(
        x=alt.X(
            "predicted:N",
            sort=IMPACTS,
            title="predicted impact",
            axis=alt.Axis(labelAngle=0, labelExpr=SHORT_LABELS),
        ),
        y=alt.Y("impact:N", sort=labels, title="true impact"),
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
        color=alt.condition("datum.share > 0.5", alt.value("white"), alt.value(INK)),
    )
    return spec(cells + numbers, height=40 * counts["impact"].nunique())


def calibration(bins: pd.DataFrame, ends: tuple[float, float] | None) -> Spec:
    """Mean true score of the examples that were given about the same score.

    Parameters
    ----------
    bins
        Columns `predicted`, `true` (means of the bin) and `rows`.
    ends
        The lowest and the highest score; None: those of the bins.
    """
    means = bins[["predicted", "true"]].to_numpy()
    ends = (float(means.min()), float(means.max())) if ends is None else ends
    even = alt.Chart(pd.DataFrame({"predicted": ends, "true": ends})).mark_line(
        strokeDash=[5, 4], color="#9aa3ad"
    )
    points = alt.Chart(bins).mark_line(
        color=SERIES_COLOURS[0], point=alt.OverlayMarkDef(color=SERIES_COLOURS[0], size=60)
    )
    scale = alt.Scale(domain=list(ends))
    lines = [
        line.encode(
            x=alt.X("predicted:Q", title="mean predicted score", scale=scale),
            y=alt.Y("true:Q", title="mean true score", scale=scale),
        )
        for line in (even, points)
    ]
    numbers = [alt.Tooltip(f"{name}:Q", format=".2f") for name in ("predicted", "true")]
    return spec(lines[0] + lines[1].encode(tooltip=[*numbers, "rows:Q"]), height=340)


def errors_by_impact(errors: pd.DataFrame) -> Spec:
    """Mean absolute error of every model for each impact.

    Parameters
    ----------
    errors
        Columns `impact`, `model`, `error`, `rows`; the order of models is kept.
    """
    named = errors.assign(model=errors["model"].map(spoken))
    sizes = named.groupby("impact")["rows"].max()
    named["impact"] = [f"{impact} (n={sizes[impact]:,})" for impact in named["impact"]]
    order = sorted(named["impact"].unique(), key=lambda name: IMPACTS.index(name.split(" ")[0]))
    models = list(dict.fromkeys(named["model"]))
    chart = (
        alt.Chart(named)
        .mark_bar()
        .encode(
            y=alt.Y("impact:N", sort=order, title=None),
            yOffset=alt.YOffset("model:N", sort=models),
            x=alt.X(
                "error:Q",
                title="mean absolute error",
                scale=alt.Scale(domainMin=0),
                axis=alt.Axis(tickCount=FEW_TICKS),
            ),
            color=alt.Color("model:N", title=None, scale=series(models)),
            tooltip=["impact:N", "model:N", alt.Tooltip("error:Q", format=".2f"), "rows:Q"],
        )
    )
    return spec(chart, height=(9 * len(models) + 12) * len(order))


def _domain(estimates: pd.DataFrame, span: tuple[float | None, float | None]) -> list[float]:
    """Choose the ends of an axis: all that is drawn, a little room, never beyond the span."""
    drawn = estimates[["value", "low", "high"]].to_numpy(dtype=float)
    low, high = float(np.nanmin(drawn)), float(np.nanmax(drawn))
    room = 0.05 * ((high - low) or 1.0)
    least, most = span
    low, high = low - room, high + room
    return [low if least is None else max(low, least), high if most is None else min(high, most)]
