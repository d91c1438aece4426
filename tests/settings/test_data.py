"""A data config: files or the demo, and each sample once."""

import pytest

from tests.settings.problems import FILES, problems_of


def test_the_demo_excludes_files():
    (problem,) = problems_of(FILES | {"demo": {}})
    assert "remove one or the other" in problem


def test_one_sample_cannot_come_twice():
    (problem,) = problems_of(FILES | {"individuals": FILES["individuals"] * 2})
    assert "sample A more than once" in problem


@pytest.mark.parametrize("given", [{"demo": {}, "seed": 2**32}, {"demo": {"seed": 2**32}}])
def test_a_seed_that_no_library_takes_is_refused(given):
    (problem,) = problems_of(given)
    assert "seed: Input should be less than or equal to 4294967295" in problem


@pytest.mark.parametrize("missing", FILES)
def test_a_missing_file_setting_is_named(missing):
    given = {key: value for key, value in FILES.items() if key != missing}
    (problem,) = problems_of(given)
    assert missing in problem
