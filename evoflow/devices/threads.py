"""Threads of numerical libraries, set in the environment before any of them is loaded."""

import math
import os
from collections.abc import MutableMapping

from evoflow.devices.cgroups import cpu_quota

SPINS = "1000"
"""How often a thread of GNU OpenMP, which torch computes with, looks for work before it sleeps.

GNU's own 300,000 are right where the cores are free. Beside two busy loops on two cores the
threads that train the head then wait for each other by using up the cores that the other one
needs. An epoch took, in s (`bench_threads.py`):

    spins      0  300  1000  3000  10,000  300,000
    free    0.76 0.68  0.53  0.58    0.51     0.53
    busy    1.03 0.90  0.94  0.98    1.70      3-9
"""


def set_threads(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let threads sleep on a busy machine, and be no more than a container's quota allows.

    What the user has set stays as it is.
    """
    if "OMP_WAIT_POLICY" not in environment:
        environment.setdefault("GOMP_SPINCOUNT", SPINS)
    quota = cpu_quota()
    if quota is not None and quota < visible_cores():
        environment.setdefault("OMP_NUM_THREADS", str(max(1, math.floor(quota))))


def usable_cores() -> int:
    """Count the cores that this process may keep busy: no more than a container's quota allows."""
    quota = cpu_quota()
    cores = visible_cores()
    return cores if quota is None else max(1, min(cores, math.floor(quota)))


def visible_cores() -> int:
    """Count the cores that the operating system lets this process run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
