"""Charts of results hold the numbers that they were given, where a reader expects them."""

import pandas as pd
import pytest

from evoflow.report.charts import results
from evoflow.report.charts.style import MOST_POINTS


def rows_with(spec, column):
    """The rows of the one dataset that has a column."""
    (rows,) = [rows for rows in spec["datasets"].values() if column in rows[0]]
    return rows


def test_the_best_epoch_is_marked_and_missing_values_leave_a_gap():
    history = pd.DataFrame({"epoch": [1, 2, 3], "training_loss": [0.3, None, 0.1]})
    spec = results.learning_curves(history, ["training_loss"], "loss", best=3)
    assert [row["epoch"] for row in rows_with(spec, "of")] == [1, 3]
    assert {row["of"] for row in rows_with(spec, "of")} == {"training loss"}
    assert rows_with(spec, "note") == [{"epoch": 3, "note": "best epoch: 3"}]


def test_of_many_predictions_evenly_spaced_ones_are_drawn():
    many = pd.DataFrame({"impact": "LOW", "label": 2, "head": range(2 * MOST_POINTS + 1)})
    spec = results.predicted_against_true(many, (0, 10), "impact score")
    drawn = [row["head"] for row in rows_with(spec, "spread")]
    assert drawn == list(range(0, 2 * MOST_POINTS + 1, 3))


def test_an_interval_goes_no_further_than_its_metric_can():
    estimates = pd.DataFrame(
        {
            "subset": ["all", "all"], "model": ["head", "one_hot_cnn"], "value": [0.9, 0.1],
            "low": [0.8, -0.3], "high": [1.1, 0.5], "n": [50, 50],
        }
    )  # fmt: skip
    spec = results.forest(estimates, "AUROC", ["head", "one_hot_cnn"], (0, 1))
    drawn = rows_with(spec, "low")
    assert [(row["low"], row["high"]) for row in drawn] == [(0.8, 1), (0, 0.5)]
    assert {row["subset"] for row in drawn} == {"all (n=50)"}
    assert drawn[1]["model"] == "one-hot CNN"


@pytest.mark.parametrize(
    ("span", "ends"), [((None, None), [-0.1, 2.1]), ((0, None), [0, 2.1]), ((0, 2), [0, 2])]
)
def test_an_axis_leaves_a_twentieth_of_room_but_stays_within_the_span(span, ends):
    drawn = pd.DataFrame({"value": [1.0], "low": [0.0], "high": [2.0]})
    assert results._domain(drawn, span) == pytest.approx(ends)


def test_impacts_are_sorted_by_severity_and_say_how_many_they_are():
    counts = pd.DataFrame(
        {"impact": ["HIGH", "LOW"], "predicted": "LOW", "rows": [1200, 3], "share": 1.0}
    )
    order = results.confusion(counts)["layer"][0]["encoding"]["y"]["sort"]
    assert order == ["LOW (n=3)", "HIGH (n=1,200)"]
    errors = pd.DataFrame(
        {"impact": ["HIGH", "LOW"], "model": "head", "error": 1.0, "rows": [4, 5]}
    )
    assert results.errors_by_impact(errors)["encoding"]["y"]["sort"] == ["LOW (n=5)", "HIGH (n=4)"]


def test_calibration_is_drawn_beside_the_diagonal():
    bins = pd.DataFrame({"predicted": [1.0], "true": [2.0], "rows": [9]})
    spec = results.calibration(bins, (0, 10))
    assert rows_with(spec, "rows") == [{"predicted": 1.0, "true": 2.0, "rows": 9}]
    assert [{"predicted": 0, "true": 0}, {"predicted": 10, "true": 10}] in list(
        spec["datasets"].values()
    )
