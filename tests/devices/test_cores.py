"""How the cores of one machine are shared."""

import pytest
import torch

from evoflow.devices.cores import share_cores


@pytest.mark.parametrize(
    ("threads", "tasks", "left"), [(8, 2, 4), (8, 3, 2), (2, 5, 1), (4, 1, 4), (32, 90, 2)]
)
def test_tasks_on_one_machine_share_its_cores(monkeypatch, threads, tasks, left):
    asked = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    share_cores(tasks)
    assert asked == [left]
