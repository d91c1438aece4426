import json
from dataclasses import replace

import pandas as pd

from evoflow.report import final


def test_the_report_tells_the_run_from_input_to_provenance(card, run):
    final.show_report(card, run)
    text = card.text()
    for heading in (
        "What went in",
        "Kept and dropped",
        "Balance",
        "Learning",
        "baselines",
        "Predicted against true",
        "Calibration",
        "worst",
        "Provenance",
    ):
        assert heading in text
    assert "simulated demo" in text
    assert "the head is better than boosted trees" in text
    assert "spearman of training mean: every prediction is the same" in text
    assert "random weights" in text
    assert "test has no example of score 10" in text


def test_the_report_draws_its_charts(card, run):
    final.show_report(card, run)
    charts = card.of_type("vegaChart")
    assert len(charts) == 10
    assert all(chart["spec"]["width"] > 0 for chart in charts)


def test_an_undefined_metric_is_drawn_nowhere_and_a_dash_in_its_table(run):
    rows = final.estimates(run.metrics)
    undefined = rows[rows["value"].isna()]
    assert set(undefined["model"]) == {"training_mean"}
    assert final.interval(float("nan"), float("nan"), float("nan")) == "-"
    assert final.interval(0.5, 0.25, 0.75) == "0.50 [0.25, 0.75]"


def test_a_large_run_keeps_its_report_small(card, run):
    many = pd.concat([run.predictions] * 200, ignore_index=True)
    metrics = run.metrics | {f"individual {n}": run.metrics["all"] for n in range(500)}
    final.show_report(card, replace(run, predictions=many, metrics=metrics))
    assert len(json.dumps(card.rendered())) < 2_000_000
    assert "486 further subsets" in card.text()
