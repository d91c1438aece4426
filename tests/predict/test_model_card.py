"""What a model card says of where a head comes from, and how well it does."""

from dataclasses import replace

import pytest
import yaml

from evoflow.predict.model_card import _written, model_card, plain
from evoflow.settings import load_settings

OWN = {
    "reference": "/g.fa",
    "clinvar": "https://ada:hunter2@host/c.vcf.gz",
    "individuals": [{"sample": "HG1", "reads": "/a.bam", "variants": "/a.vcf.gz"}],
}


def card(run, trained, data=OWN, checkpoint="evo-1-8k-base", **changes):
    settings = load_settings(data, {"checkpoint": checkpoint}, {})
    run = replace(run, **changes)
    text = model_card(
        "EvoFlow/7", settings, replace(trained, checkpoint=checkpoint),
        split_counts=run.split_counts, metrics=run.metrics, comparisons=run.comparisons,
        headline=run.headline,
    )  # fmt: skip
    _, metadata, body = text.split("---\n", 2)
    return yaml.safe_load(metadata), body


def test_a_published_model_is_the_base_and_its_training_is_told(run, trained):
    metadata, body = card(run, trained)
    assert metadata["base_model"] == "evo-1-8k-base"
    assert "it has not seen human DNA" in body
    assert "its own card says" in card(run, trained, checkpoint="lab/other")[1]


def test_a_stand_in_is_no_base_model(run, trained):
    metadata, body = card(run, trained, data={"demo": {"seed": 3}}, checkpoint="evo-demo")
    assert "base_model" not in metadata
    assert "simulated demo with seed 3" in body


def test_people_and_files_are_named_without_secrets(run, trained):
    body = card(run, trained)[1]
    assert "HG1" in body
    assert "/c.vcf.gz" in body
    assert "hunter2" not in body


def test_the_headline_compares_with_the_best_baseline(run, trained):
    body = card(run, trained)[1]
    assert "boosted trees 0.30" in body
    assert "50 alleles in 20 independent genes or parts of genes" in body
    missing = replace(run.headline, missing="too few alleles")
    assert "independent genes or parts of genes" not in card(run, trained, headline=missing)[1]


def test_a_bar_in_the_title_of_a_column_begins_no_cell(run, trained):
    carriers = run.metrics["carriers"]
    named = run.metrics | {"carriers": carriers | {"CADD|PHRED": carriers["head"]}}
    assert r"| carriers | CADD\|PHRED | 0.71" in card(run, trained, metrics=named)[1]


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (None, "-"),
        ((None, None, None, 9), "-"),
        ((0.5, None, None, 9), "0.50"),
        ((0.714, 0.6, 0.8, 50), "0.71 (0.60 to 0.80)"),
    ],
)
def test_what_is_not_defined_is_a_dash(estimate, text):
    assert _written(estimate) == text


def test_punctuation_is_escaped_and_words_are_not():
    assert plain("rs123 Ä 0.5") == r"rs123 Ä 0\.5"
    assert plain("a|b`c`") == r"a\|b\`c\`"


def test_no_line_can_begin_within_a_name():
    assert plain("one\n# two\ttabs\x00") == r"one \# two tabs "


def test_secrets_of_urls_do_not_show():
    assert "hunter2" not in plain("https://ada:hunter2@host/a.bam")
