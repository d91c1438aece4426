"""Threads, as the environment sets them before a library is loaded."""

import os
import subprocess
import sys

import pytest

from evoflow.devices import threads
from tests.conftest import ROOT


@pytest.fixture
def machine(monkeypatch):
    """A machine of 8 cores, in a container with a quota."""
    monkeypatch.setattr(threads, "visible_cores", lambda: 8)
    return lambda quota: monkeypatch.setattr(threads, "cpu_quota", lambda: quota)


@pytest.mark.parametrize(("quota", "cores"), [(None, 8), (2.0, 2), (3.7, 3), (0.5, 1), (16.0, 8)])
def test_cores_follow_a_containers_quota(machine, quota, cores):
    machine(quota)
    assert threads.usable_cores() == cores
    environment = {}
    threads.set_threads(environment)
    assert environment.get("OMP_NUM_THREADS", "8") == str(cores)


def test_threads_spin_only_briefly(machine):
    machine(None)
    environment = {}
    threads.set_threads(environment)
    assert environment == {"GOMP_SPINCOUNT": threads.SPINS}


@pytest.mark.parametrize(
    "asked", [{"OMP_WAIT_POLICY": "ACTIVE"}, {"GOMP_SPINCOUNT": "7"}, {"OMP_NUM_THREADS": "5"}]
)
def test_what_the_user_set_stays(machine, asked):
    machine(2.0)
    environment = dict(asked)
    threads.set_threads(environment)
    assert asked.items() <= environment.items()
    assert ("GOMP_SPINCOUNT" in environment) == ("OMP_WAIT_POLICY" not in asked)


def test_importing_evoflow_sets_it_before_torch_is_there():
    code = "import os, sys, evoflow; print(os.environ['GOMP_SPINCOUNT'], 'torch' in sys.modules)"
    clean = {name: os.environ[name] for name in os.environ.keys() - {"GOMP_SPINCOUNT"}}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=clean | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [threads.SPINS, "False"]
