"""What a model config may say of the target."""

import pytest

from evoflow.settings import ModelSettings, load
from tests.settings.problems import problems_of

COLUMN = {"column": {"file": "scores.tsv", "name": "score"}}


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("impact", "impact"),
        ("pathogenicity", "pathogenicity"),
        ({"pathogenicity": {"min_stars": 1}}, "pathogenicity"),
        ({"pathogenicity": None}, "pathogenicity"),
        (COLUMN, "column"),
    ],
)
def test_a_target_is_a_word_or_a_section_and_is_written_as_it_is_read(given, kind):
    settings = load(ModelSettings, {"target": given})
    assert settings.target.kind == kind
    assert load(ModelSettings, settings.model_dump(mode="json")) == settings


@pytest.mark.parametrize(
    ("given", "key", "message"),
    [
        ("risk", "model.target", "must be `impact`, `pathogenicity` or a section"),
        (None, "model.target", "must be `impact`"),
        ({"colum": {}}, "model.target.colum", "unknown key; did you mean 'column'?"),
        ({"pathogenicity": {"min_stars": 5}}, "model.target.pathogenicity.min_stars", "4"),
        ({"column": {"name": "x"}}, "model.target.column.file", "Field required"),
        ({"column": "scores.tsv"}, "model.target.column", "section with the keys file, name"),
        ({"pathogenicity": {}, **COLUMN}, "model.target", "keep one"),
    ],
)
def test_a_wrong_target_is_one_problem_under_the_users_key(given, key, message):
    (problem,) = problems_of({"demo": {}}, {"target": given})
    assert problem.startswith(f"{key}: ")
    assert message in problem


def test_a_column_with_nothing_below_it_lacks_what_it_needs():
    found = problems_of({"demo": {}}, {"target": {"column": None}})
    assert found == [f"model.target.column.{key}: Field required" for key in ("file", "name")]
