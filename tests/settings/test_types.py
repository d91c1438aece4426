"""What no setting of any config takes for a number, and how large numbers may be."""

import pytest
from pydantic import TypeAdapter, ValidationError

from evoflow.settings.types import Section, Seed, Whole


def sections(kind=Section):
    for each in kind.__subclasses__():
        yield each
        yield from sections(each)


SETTINGS = [
    pytest.param(section, name, id=f"{section.__name__}.{name}")
    for section in sections()
    for name, field in section.model_fields.items()
    if field.annotation is not bool
]


@pytest.mark.parametrize(("section", "name"), SETTINGS)
def test_yes_and_no_are_neither_numbers_nor_text(section, name):
    for given in (True, False, [True], [False]):
        with pytest.raises(ValidationError) as caught:
            section.model_validate({name: given})
        assert name in {error["loc"][0] for error in caught.value.errors() if error["loc"]}


@pytest.mark.parametrize(("kind", "largest"), [(Seed, 2**32 - 1), (Whole, 2**31 - 1)])
def test_whole_numbers_are_bounded(kind, largest):
    adapter = TypeAdapter(kind)
    assert adapter.validate_python(largest) == largest
    with pytest.raises(ValidationError, match="less than or equal to"):
        adapter.validate_python(largest + 1)
