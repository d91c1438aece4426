"""What a user sees of an input error in a step, and of a config that is no YAML."""

import pytest
from metaflow._vendor.click import UsageError

from evoflow import steps
from evoflow.errors import InputError
from evoflow.running import ReadableError


@pytest.fixture
def seen(monkeypatch):
    """What is seen of an error that the body of a step raises."""
    monkeypatch.setattr(steps, "end_with_parent", lambda: None)

    def seen(error):
        around = steps.readable_errors()
        around.init()
        around.pre_step("embed", None, None)
        return around.post_step("embed", None, error)

    return seen


def test_an_input_error_is_a_message_with_all_problems_and_no_traceback(seen):
    shown = seen(InputError(["a.bam: is empty", "b.vcf: is empty"]))
    assert isinstance(shown, ReadableError)
    assert str(shown) == "a.bam: is empty\nb.vcf: is empty"
    assert shown.__suppress_context__


def test_another_error_stays_as_it_is(seen):
    error = ZeroDivisionError()
    assert seen(error) is error


def test_a_config_names_what_is_wrong_in_its_yaml(monkeypatch):
    made = {}
    monkeypatch.setattr(steps, "Config", lambda name, **options: made.update(options, name=name))
    steps.yaml_config("data", steps.Path("demo.yaml"), "YAML: whose reads")
    assert made["help"] == "YAML: whose reads; docs/settings.md lists its keys"
    assert made["parser"]("demo: {seed: 3}") == {"demo": {"seed": 3}}
    with pytest.raises(UsageError, match="the data config: not valid YAML in line 1"):
        made["parser"]("reference: [")
