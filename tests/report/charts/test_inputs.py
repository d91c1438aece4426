"""Charts of scores and impacts hold the rows that they were given."""

import pandas as pd

from evoflow.augment.balance import SOURCES
from evoflow.report.charts.inputs import impacts_by_group, score_shares


def drawn_rows(spec):
    (rows,) = spec["datasets"].values()
    return rows


def test_bars_are_stacked_by_source_in_its_order():
    counts = pd.DataFrame(
        {"score": [10, 10], "stage": "after", "source": SOURCES[:2][::-1], "rows": [3, 4]}
    )
    spec = score_shares(counts)
    assert [(row["source"], row["rank"]) for row in drawn_rows(spec)] == [
        (SOURCES[1], 1),
        (SOURCES[0], 0),
    ]
    assert spec["encoding"]["order"]["field"] == "rank"
    assert spec["encoding"]["color"]["scale"]["domain"] == list(SOURCES)


def test_groups_keep_their_order_and_impacts_go_from_harmless_to_severe():
    counts = pd.DataFrame(
        {"split": ["test", "test", "train"], "impact": ["HIGH", "NONE", "LOW"], "rows": [1, 2, 4]}
    )
    spec = impacts_by_group(counts, "split")
    assert spec["encoding"]["y"]["sort"] == ["test (n=3)", "train (n=4)"]
    severity = {row["impact"]: row["severity"] for row in drawn_rows(spec)}
    assert severity["NONE"] < severity["LOW"] < severity["HIGH"]
    assert spec["height"] == 68
