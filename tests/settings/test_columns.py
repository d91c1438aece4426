"""What a data config may say of users' columns."""

import pytest

from evoflow.settings import UserColumn
from tests.settings.problems import problems_of

COLUMN = {"file": "scores.tsv", "name": "score"}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([COLUMN] * 2, "data: two columns are called score"),
        ([{"file": "a.tsv", "name": "x", "strata": [2, 1]}], "strata: must increase"),
        (["a.tsv"], "data.columns[0]: must be a section with the keys file, name"),
        ([{"file": "a.tsv"}], "data.columns[0].name: Field required"),
    ],
)
def test_a_wrong_column_is_one_problem(columns, message):
    (problem,) = problems_of({"demo": {}, "columns": columns})
    assert message in problem


def test_a_column_is_called_by_its_name_unless_it_has_a_title():
    assert UserColumn(**COLUMN).called == "score"
    assert UserColumn(**COLUMN, title="CADD").called == "CADD"
