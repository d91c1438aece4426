"""YAML that says what it seems to say."""

import pytest

from evoflow.errors import InputError
from evoflow.settings import parse_yaml
from evoflow.settings.yaml_text import parse


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("seed: 1\nregions: [chr1]\nseed: 2\n", "line 3: seed is already set in line 1"),
        ("demo:\n\tseed: 1\n", "in line 2: .*use spaces, not tabs"),
        ("demo:\t{}\n", "in line 1: .*use spaces, not tabs"),
        ("demo: {}\n1: 2\n", "line 2: the key '1' is not text; put it in quotes"),
        ("demo: {}\n<<: {seed: 1}\n", "line 2: << is not allowed"),
        ("a: 2024-13-45\n", "line 1: '2024-13-45' is not a valid number or date"),
        (f"a:\n- {'9' * 5000}\n", "line 2: '9{20}' is not a valid number or date"),
        ("a: " + "[" * 1000, "nested too deeply"),
        ("a: 1\nb: \x01\n", r"in line 2: the character U\+0001 is not allowed"),
        ("a: &x [1]\nb: *x\n", r"line 2: a reference \(\*name\) is not allowed"),
        ("- 1\n", "must be a mapping of settings"),
    ],
)
def test_yaml_that_says_something_else_than_it_seems_is_refused(text, problem):
    with pytest.raises(InputError, match=problem):
        parse_yaml(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("17:43", "17:43"), ("1:30.5", "1:30.5"), ("1_000", 1000), ("0x10", 16), ("1.5", 1.5)],
)
def test_only_numbers_are_numbers(text, value):
    assert parse(f"a: {text}") == {"a": value}
