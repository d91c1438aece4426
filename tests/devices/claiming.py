"""A task that claims a GPU of a fake list, to be run in processes of its own."""

import os
import sys
import time
from pathlib import Path

import torch

from evoflow.devices import claims, gpus
from evoflow.devices.memory import MemoryClaim


def work(folder: Path, named: str, seconds: float, count: int) -> None:
    """Have a device for some seconds; the shared log says when, a file of its own what was said."""
    os.environ["XDG_RUNTIME_DIR"] = str(folder / "runtime")
    found = [gpus.Gpu(f"cuda:{i}", f"GPU-{i}", "Fake") for i in range(count)]
    gpus.visible_gpus = lambda: found
    claims.choose_device = torch.device
    claims.POLL_SECONDS = 0.05
    sys.stdout = (folder / str(os.getpid())).open("w", buffering=1)
    with claims.claimed_device(named) as device, (folder / "log").open("a", buffering=1) as log:
        log.write(f"+{device}\n")
        time.sleep(seconds)
        log.write(f"-{device}\n")


def hold_memory(folder: Path, needed: int) -> None:
    """Claim memory and keep it, without taking it."""
    os.environ["XDG_RUNTIME_DIR"] = str(folder / "runtime")
    claim = MemoryClaim(needed)
    (folder / "held").touch()
    time.sleep(600)
    claim.release()
