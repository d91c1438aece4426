"""Charts of what went in: scores and impacts."""

import altair as alt
import pandas as pd

from evoflow.augment.balance import SOURCES
from evoflow.report.charts.style import FEW_TICKS, SERIES_COLOURS, Spec, impact_colour, spec, with_n
from evoflow.report.tallies import IMPACTS, STAGES


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
            x=alt.X("score:O", title="score", axis=alt.Axis(labelAngle=0)),
            xOffset=alt.XOffset("stage:N", sort=STAGES),
            y=alt.Y("sum(rows):Q", title="training rows"),
            color=alt.Color("source:N", title=None, scale=colours),
            order=alt.Order("rank:Q"),
            opacity=alt.Opacity(
                "stage:O",
                sort=STAGES,
                legend=None,  # the caption says which is pale
                scale=alt.Scale(domain=STAGES, range=[0.45, 1.0]),
            ),
            tooltip=["score:O", "stage:N", "source:N", "rows:Q"],
        )
    )
    return spec(chart, height=240)


def impacts_by_group(counts: pd.DataFrame, group: str) -> Spec:
    """Alleles and reference loci of each impact in every group, as stacked bars.

    Parameters
    ----------
    counts
        Columns `group` (named by the parameter), `impact`, `rows`; the groups keep their order.
    group
        The column that names a bar.
    """
    counts = with_n(counts, group)
    groups = list(dict.fromkeys(counts[group]))
    ranked = counts.assign(severity=counts["impact"].map(IMPACTS.index))
    chart = (
        alt.Chart(ranked)
        .mark_bar()
        .encode(
            y=alt.Y(f"{group}:N", sort=groups, title=None),
            x=alt.X(
                "rows:Q",
                title="alleles and reference loci",
                stack="zero",
                axis=alt.Axis(tickCount=FEW_TICKS),
            ),
            color=impact_colour(),
            order=alt.Order("severity:Q"),
            tooltip=[f"{group}:N", "impact:N", "rows:Q"],
        )
    )
    return spec(chart, height=34 * max(len(groups), 2))
