"""Whose turn it is: a GPU serves one task at a time, and the others wait for it.

Each GPU has a lock file in the user's runtime folder. The operating system releases the lock when
the process that holds it dies, however it dies.
"""

import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import getpid
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from evoflow.devices.choice import choose_device, readable_out_of_memory
from evoflow.devices.gpus import Gpu, named_gpus, roomiest_first
from evoflow.devices.runtime import runtime_folder

POLL_SECONDS = 0.5
REMIND_SECONDS = 600


@contextmanager
def claimed_device(name: str) -> Iterator[torch.device]:
    """Have a device to oneself: the first GPU that is free, or the one that is named.

    Waits, and says so, while other processes of this user have the GPUs. The CPU is shared.

    Parameters
    ----------
    name
        A device of the settings: `auto`, `cpu`, `cuda`, `cuda:1`.

    Yields
    ------
    device
        With its number, as torch counts the GPUs of this process.

    Raises
    ------
    InputError
        If this machine lacks the device, or the GPU runs out of memory meanwhile.
    """
    gpus = named_gpus(name)
    if not gpus:
        yield choose_device("cpu" if name == "auto" else name)
        return
    with _first_free(gpus) as gpu:
        device = choose_device(gpu.device)
        try:
            with readable_out_of_memory(device):
                yield device
        finally:
            # Memory that torch keeps for later would be missing to the next task.
            gc.collect()
            torch.cuda.empty_cache()


@contextmanager
def _first_free(gpus: Sequence[Gpu]) -> Iterator[Gpu]:
    """Lock one of the GPUs; wait until one is free."""
    folder = runtime_folder()
    locks = {gpu: FileLock(folder / f"{gpu.identity}.lock") for gpu in gpus}
    started = reminded = time.monotonic()
    waiting = False
    while True:
        for gpu in roomiest_first(list(gpus)):
            try:
                locks[gpu].acquire(timeout=0)
            except Timeout:
                continue
            holder = folder / f"{gpu.identity}.holder"
            holder.write_text(str(getpid()), encoding="ascii")
            now = time.monotonic()
            waited = f" after waiting for {now - started:.0f} s" if waiting else ""
            _say(f"computes on {gpu.device} ({gpu.name}){waited}")
            try:
                yield gpu
            finally:
                locks[gpu].release()
                _say(f"released {gpu.device} after {time.monotonic() - now:.0f} s")
            return
        now = time.monotonic()
        if not waiting or now - reminded > REMIND_SECONDS:
            reminded = now
            still = f"still waiting after {(now - started) / 60:.0f} min" if waiting else "waiting"
            _say(f"{still} for a GPU: {', '.join(_in_use(gpu, folder) for gpu in gpus)}")
            waiting = True
        time.sleep(POLL_SECONDS)


def _say(line: str) -> None:
    """Print a line now, also into a log: whoever waits wants to know why."""
    print(line, flush=True)


def _in_use(gpu: Gpu, folder: Path) -> str:
    """Say which process has a GPU."""
    try:
        holder = (folder / f"{gpu.identity}.holder").read_text(encoding="ascii")
    except OSError:
        holder = "?"
    return f"{gpu.device} ({gpu.name}) is used by process {holder}"
