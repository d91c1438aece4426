"""What all charts share."""

import altair as alt
import pandas as pd

from evoflow.report.charts.style import SERIES_COLOURS, series, spec, with_n
from evoflow.report.tallies import IMPACTS


def test_groups_say_how_many_rows_they_have_in_all():
    counts = pd.DataFrame({"split": ["test", "train", "test"], "rows": [900, 5, 200]})
    assert with_n(counts, "split")["split"].tolist() == [
        "test (n=1,100)",
        "train (n=5)",
        "test (n=1,100)",
    ]
    assert with_n(counts, "split", of="max")["split"].iloc[0] == "test (n=900)"


def test_the_head_has_the_first_colour_and_colours_start_again():
    scale = series([f"model {n}" for n in range(len(SERIES_COLOURS) + 1)])
    assert scale.domain[0] == "model 0"
    assert scale.range[0] == scale.range[-1] == SERIES_COLOURS[0]


def test_charts_are_as_wide_as_their_page_and_colour_each_impact_alike():
    chart = alt.Chart(pd.DataFrame({"impact": IMPACTS})).mark_bar()
    drawn = spec(chart, height=120)
    assert (drawn["width"], drawn["height"]) == ("container", 120)
