import pandas as pd
import pytest

from evoflow.labels.pathogenicity import classify

TWO = "criteria_provided,_multiple_submitters,_no_conflicts"
ONE = "criteria_provided,_single_submitter"


def label_of(significance="Pathogenic", review=TWO, origin="1", min_stars=2):
    columns = (pd.Series([value]) for value in (significance, review, origin))
    label, reason = classify(*columns, min_stars=min_stars)
    return (None if label.isna().item() else label.item()), reason.item()


@pytest.mark.parametrize(
    ("significance", "label"),
    [
        ("Pathogenic", 1), ("Likely_pathogenic", 1), ("Pathogenic/Likely_pathogenic", 1),
        ("Benign", 0), ("Likely_benign", 0), ("Benign/Likely_benign", 0),
        ("Uncertain_significance", None), ("drug_response", None), ("risk_factor", None),
        ("Conflicting_classifications_of_pathogenicity", None), ("not_provided", None),
        ("Pathogenic|drug_response", None), ("Pathogenic,_low_penetrance", None), ("", None),
        (".", None), ("association", None), ("Affects", None),
    ],
)  # fmt: skip
def test_plain_classifications_are_labels(significance, label):
    found, reason = label_of(significance)
    assert found == label
    assert (reason == "") == (label is not None)


@pytest.mark.parametrize(
    ("review", "stars"),
    [
        ("practice_guideline", 4), ("reviewed_by_expert_panel", 3), (TWO, 2), (ONE, 1),
        ("criteria_provided,_multiple_submitters", 2),
        ("criteria_provided,_conflicting_classifications", 1),
        ("criteria_provided,_conflicting_interpretations", 1),
        ("no_assertion_criteria_provided", 0), ("no_classification_provided", 0), ("", 0),
    ],
)  # fmt: skip
def test_a_label_needs_as_many_stars_as_are_asked_for(review, stars):
    labelled = [label_of(review=review, min_stars=wanted)[0] is not None for wanted in range(5)]
    assert labelled == [wanted <= stars for wanted in range(5)]


@pytest.mark.parametrize(
    ("origin", "is_germline"),
    [
        ("1", True),
        ("3", True),
        ("33", True),
        ("2", False),
        ("32", False),
        ("0", False),
        (".", True),
        ("", True),
    ],
)
def test_the_origin_must_have_the_germline_bit_where_it_is_known(origin, is_germline):
    found, reason = label_of(origin=origin)
    assert (found is not None) == is_germline
    assert is_germline or reason == "ORIGIN does not say germline"


def test_the_reason_is_the_first_that_holds():
    assert label_of("Uncertain_significance", ONE, "2")[1] == "its classification is uncertain"
    assert label_of("no_classification_for_the_single_variant")[1] == "ClinVar does not classify it"
    assert label_of("", ONE, "2")[1] == "ClinVar does not classify it"
    assert label_of("Pathogenic", ONE)[1] == "its review status has fewer than 2 stars"
