"""A compute config: where the steps run."""

import pytest

from evoflow.settings import ComputeSettings, load
from tests.settings.problems import problems_of


def test_without_a_config_everything_runs_here():
    settings = load(ComputeSettings, {})
    assert settings.target == "local"
    assert settings.processes == 0


@pytest.mark.parametrize(
    ("compute", "key"),
    [
        ({"processes": -1}, "compute.processes"),
        ({"sequences_per_shard": 0}, "compute.sequences_per_shard"),
        ({"target": "moon"}, "compute.target"),
    ],
)
def test_a_value_out_of_range_is_named_by_its_key(compute, key):
    (problem,) = problems_of({"demo": {}}, {}, compute)
    assert problem.startswith(f"{key}: ")


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        ({"volumes": ["/mnt:/cache"]}, "volumes: must be a mapping, such as {NAME: VALUE}"),
        ({"gpus": 1}, "gpus: unknown key"),  # which it is here, though GPU machines have it
    ],
)
def test_what_a_machine_does_not_take_is_named(machine, said):
    remote = {"target": "batch", "image": "i", "gpus": {"A100": {"queue": "q"}}}
    (problem,) = problems_of({"demo": {}}, {}, remote | {"cpu_steps": {"queue": "q"} | machine})
    assert problem == f"compute.cpu_steps.{said}"
