"""How all charts look, and what they share."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from evoflow.report.tallies import IMPACTS

Spec = dict[str, Any]

IMPACT_COLOURS = ["#a3acb9", "#4c78a8", "#3f9b8f", "#eb9b34", "#c8374f"]
"""Of `IMPACTS`, from harmless to severe."""

SERIES_COLOURS = ["#c8374f", "#4c78a8", "#eb9b34", "#3f9b8f", "#8a63a8", "#6b7280", "#a0722a"]
"""For models and other series; the first is the head's."""

FEWEST_ROWS = 10
"""Rows below which nothing is drawn: a picture would promise more than is known."""

MOST_POINTS = 4000
"""Examples that a chart draws one by one: what a browser shows at once and a card can hold."""

INK = "#333333"
LINE = "#dfe3e8"
FEW_TICKS = {"expr": "max(2, floor(width / 70))"}
"""Ticks of a continuous axis, so that labels keep apart on a narrow screen."""
N_BELOW = "split(replace(datum.label, ' (n=', '|(n='), '|')"
"""The number of rows under the name, so that the limit of a label does not cut it off."""
SHORT_LABELS = "width < 420 ? slice(datum.label, 0, 4) : datum.label"
_PLACE = "(containerSize()[0] + 0 * width)"
"""Width of a chart with its axes. `width` alone shrinks once the axes are laid out, when the legend
has its height already; naming it has this computed again in another window."""
LEGEND_COLUMNS = {"expr": f"max(1, floor(({_PLACE} - 70) / 170))"}
IMPACT_COLUMNS = {"expr": f"max(1, floor(({_PLACE} - 70) / 90))"}
"""Impacts are shorter than names of models: all in one line, unless the window is very narrow."""


def with_n(counts: pd.DataFrame, group: str, of: str = "sum") -> pd.DataFrame:
    """Write beside the name of each group how many rows it has."""
    sizes = counts.groupby(group, sort=False)["rows"].agg(of)
    return counts.assign(**{group: [f"{name} (n={sizes[name]:,})" for name in counts[group]]})


def impact_colour() -> alt.Color:
    """Colour each impact alike in every chart."""
    scale = alt.Scale(domain=IMPACTS, range=IMPACT_COLOURS)
    legend = alt.Legend(title=None, columns=IMPACT_COLUMNS)
    return alt.Color("impact:N", scale=scale, legend=legend)


def series(names: Sequence[str]) -> alt.Scale:
    """Colour named series, in order."""
    colours = [SERIES_COLOURS[i % len(SERIES_COLOURS)] for i in range(len(names))]
    return alt.Scale(domain=list(names), range=colours)


def spec(chart: alt.Chart | alt.LayerChart, height: int) -> Spec:
    """Style a chart; it is as wide as the page, whose `resize` events it follows."""
    font = "Roboto, system-ui, sans-serif"
    styled = (
        chart.properties(
            width="container",
            height=height,
            autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        )
        .configure(font=font, padding=8)
        .configure_view(stroke=None)
        .configure_axis(
            gridColor=LINE,
            domainColor="#9aa3ad",
            tickColor="#9aa3ad",
            labelColor=INK,
            labelLimit=170,
            labelSeparation=4,
            titleColor=INK,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight=500,
        )
        .configure_legend(
            orient="top",
            columns=LEGEND_COLUMNS,
            labelFontSize=12,
            labelColor=INK,
            titleColor=INK,
        )
    )
    # Validated by the tests alone: it takes as long as all else.
    specification: Spec = styled.to_dict(validate=False)
    return specification
