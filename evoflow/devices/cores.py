"""The cores that this process may use."""

import torch

MOST_WORKERS = 16
"""Tasks that Metaflow runs at once on one machine, unless it is told otherwise."""


def share_cores(tasks: int) -> None:
    """Compute on this task's share of the cores, where so many tasks run on one machine.

    The threads of each task would else wait for each other while another task has their cores.
    """
    torch.set_num_threads(max(1, torch.get_num_threads() // min(tasks, MOST_WORKERS)))
