import json
import re
from dataclasses import replace

import pandas as pd
import pytest
from altair.utils.schemapi import validate_jsonschema
from altair.vegalite import load_schema

from evoflow.report import final
from evoflow.report.summary import summary
from evoflow.report.tags import result_tags
from evoflow.settings import load_settings


@pytest.fixture(scope="module")
def document(run):
    return final.report(run)


def test_results_come_first_then_the_input_then_folded_details(document):
    places = [
        document.index(text)
        for text in (
            "correlation with the true impact",
            "What went in",
            "<details",
            ">Glossary</summary>",
        )
    ]
    assert places == sorted(places)
    assert 'href="#settings"' in document


def test_the_verdict_is_one_sentence_with_its_figures(run):
    assert final.verdict(run.headline, "impact") == (
        "On 50 alleles in 20 independent genes or parts of genes (carriers, test split) the "
        "head's rank correlation with the true impact is 0.71 [0.60, 0.80], the best baseline "
        "(boosted trees) 0.30 [0.10, 0.50]: the head is better than boosted trees."
    )


def test_the_report_names_stand_ins_gaps_and_what_is_not_defined(document):
    for text in (
        "simulated demo",
        "test has no example of score 10",
        "Spearman of training mean: every prediction is the same",
        "0.71 [0.60, 0.80]",
    ):
        assert text in document


def test_every_chart_fills_its_place_and_says_how_to_read_it(document):
    figures = re.findall(
        r'<script type="application/json">(.*?)</script><figcaption>(.*?)</figcaption>', document
    )
    assert len(figures) == 11
    schema = load_schema()
    for specification, caption in figures:
        drawn = json.loads(specification)
        assert drawn["width"] == "container"
        validate_jsonschema(drawn, schema)
        assert len(caption) > 20


def test_nothing_is_drawn_for_fewer_than_ten_rows(run):
    metrics = {
        subset: {
            model: {name: (*estimate[:3], 9) for name, estimate in by_metric.items()}
            for model, by_metric in by_model.items()
        }
        for subset, by_model in run.metrics.items()
    }
    few = replace(run, predictions=run.predictions.head(9), metrics=metrics)
    assert final.report(few).count("application/json") == 4


def test_metrics_are_drawn_within_what_they_can_be(run):
    wide = {"all": {"head": {"spearman": (0.9, 0.5, 1.2, 50)}}}
    document = final.report(
        replace(run, metrics=wide, headline=replace(run.headline, subset="all"))
    )
    first = re.search(r'<script type="application/json">(.*?)</script>', document)[1]
    assert json.loads(first)["layer"][0]["encoding"]["x"]["scale"]["domain"][1] == 1


def test_impacts_that_training_hardly_saw_are_the_first_line(run):
    rare = run.split_counts[
        ~((run.split_counts["split"] == "train") & (run.split_counts["impact"] == "HIGH"))
    ]
    document = final.report(replace(run, split_counts=rare))
    assert "HIGH: none" in document
    assert document.index("HIGH: none") < document.index("correlation with the true impact")


def test_names_are_text(run):
    hostile = "<script>alert(1)</script>"
    named = run.predictions.assign(gene=hostile, individual=hostile)
    document = final.report(replace(run, predictions=named, split_notes=[hostile]))
    assert hostile not in document
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in document


def test_an_undefined_metric_is_a_dash():
    assert final.interval(float("nan"), float("nan"), float("nan")) == "-"
    assert final.interval(0.5, 0.25, 0.75) == "0.50 [0.25, 0.75]"


def test_a_large_run_keeps_its_report_small(run):
    many = pd.concat([run.predictions] * 200, ignore_index=True)
    metrics = run.metrics | {f"individual {n}": run.metrics["all"] for n in range(500)}
    document = final.report(replace(run, predictions=many, metrics=metrics))
    assert len(document) < 3_000_000
    assert "486 further subsets" in document


def of_target(run, target, metric, subset, **columns):
    """The run with another target."""
    predictions = run.predictions[run.predictions["carries_alt"]].assign(**columns)
    named = {
        model: {metric: by_metric["spearman"], "rmse": by_metric["rmse"]}
        for model, by_metric in run.metrics["all"].items()
    }
    ranked = {"column_CADD": {metric: (0.4, 0.2, 0.6, 30)}}
    return replace(
        run,
        settings=load_settings({"demo": {}}, {"target": target}, {}),
        predictions=predictions.assign(column_CADD=1.0),
        metrics=dict.fromkeys((subset, "all", "carriers"), named | ranked),
        headline=replace(run.headline, subset=subset, metric=metric),
        comparisons=run.comparisons.assign(subset=subset, metric=metric),
    )


def test_pathogenicity_is_reported_within_a_consequence(run):
    labels = (run.predictions.loc[run.predictions["carries_alt"], "label"] > 1).astype(float)
    target, metric = {"pathogenicity": {"min_stars": 1}}, "auroc_pathogenic"
    found = of_target(run, target, metric, "within missense variant", label=labels, head=labels / 2)
    document = final.report(found)
    assert "How well the head predicts the pathogenicity of a variant" in document
    assert "AUROC of pathogenic against benign is 0.71 [0.60, 0.80]" in document
    assert "ClinVar&#39;s germline classification with 1 star or more" in document
    assert "column CADD" in document
    assert "true pathogenicity" in document
    assert "predicted impact" not in document  # no confusion of impacts
    text = summary(found)
    assert "within missense variant, AUROC: head 0.71" in text
    (line,) = [line for line in text.splitlines() if line.startswith("column CADD")]
    assert line.split() == ["column", "CADD", "0.40", "[0.20,", "0.60]", "-", "-"]
    assert result_tags(found.headline)[0] == "auroc:0.71"


def test_a_column_is_reported_by_its_own_name(run):
    count = run.predictions["carries_alt"].sum()
    target = {"column": {"file": "scores.tsv", "name": "function_score"}}
    found = of_target(run, target, "spearman", "carriers", label=[n / 10 for n in range(count)])
    document = final.report(found)
    assert "How well the head predicts function_score of a variant" in document
    assert "rank correlation with the true function_score" in document
    assert "The label is function_score of " in document
    assert "predicted function_score" in document


def test_a_column_that_lacks_values_has_its_own_verdict_in_the_terminal(run):
    told = "carriers with CADD (12 of 50 alleles): the head is worse than column CADD"
    more = run.comparisons.assign(subset="carriers with CADD", verdict=told)
    text = summary(replace(run, comparisons=pd.concat([run.comparisons, more])))
    assert "carriers with CADD (12 of 50 alleles): the head is worse than" in text
