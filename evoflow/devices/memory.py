"""Memory that a device has free, and whose turn it is to take the machine's own.

Tasks of one machine that look at its free memory at the same moment all see it free. So each
writes down what it is about to take, under a lock that dies with its process, and the next one
counts that as taken.
"""

import json
import time
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import count
from os import getpid, getppid
from pathlib import Path
from typing import Self

import torch
from filelock import FileLock, Timeout

from evoflow.devices.choice import readable_cuda_errors
from evoflow.devices.ledger import kilobytes, ledger, machine_memory

POLL_SECONDS = 0.5
REMIND_SECONDS = 600

LEAVING_SECONDS = 30
"""How long a process may take to give back memory that it claims no more."""

_numbers = count()


def free_memory(device: torch.device) -> int | None:
    """Bytes that a device has free; None where the system does not say.

    Raises
    ------
    InputError
        If a GPU is so full that not even this can be found out.
    """
    if device.type == "cuda":
        with readable_cuda_errors(device):
            return torch.cuda.mem_get_info(device)[0]
    if device.type != "cpu":
        return None
    return machine_memory()


class MemoryClaim:
    """The machine's memory that this process is about to take; given back when it ends.

    Parameters
    ----------
    needed
        Bytes.

    Attributes
    ----------
    release
        Gives the memory back; called when the claim or its process comes to its end.
    """

    def __init__(self, needed: int) -> None:
        self.needed = needed
        name = ledger() / f"{getpid()}-{next(_numbers)}"
        self._lock, self._note = FileLock(name.with_suffix(".lock")), name.with_suffix(".json")
        self._lock.acquire(timeout=0)
        self._note.write_text(json.dumps([needed, getpid(), _anonymous(getpid()), getppid()]))
        # A note that is left over tells that its process was killed.
        self.release = weakref.finalize(self, _give_back, self._note, self._lock)

    @classmethod
    def wait_for(cls, needed: int, say: Callable[[str], None] = print) -> Self | None:
        """Claim memory as soon as it is free beside what other processes of this user claim.

        Returns
        -------
        MemoryClaim or None
            None where the memory is not there although no other process has claimed any for
            `LEAVING_SECONDS`.
        """
        device = torch.device("cpu")
        last_claim = reminded = time.monotonic()
        waiting = False
        while True:
            with FileLock(ledger() / "ledger.lock"):
                free, promised = free_memory(device), _promised()
                if free is None or free - sum(promised.values()) >= needed:
                    return cls(needed)
            others = {pid: size for pid, size in promised.items() if pid != getpid()}
            now = time.monotonic()
            if others:
                last_claim = now
            elif now - last_claim > LEAVING_SECONDS:
                return None
            if not waiting or now - reminded > REMIND_SECONDS:
                waiting, reminded = True, now
                say(
                    f"waiting for memory: {needed / 1e9:.1f} GB are needed; {_shared(free, others)}"
                )
            time.sleep(POLL_SECONDS)


def _shared(free: int, promised: Mapping[int, int]) -> str:
    """Say how much memory is free, and who will take of it."""
    text = f"{free / 1e9:.1f} GB are free"
    if promised:
        text += (
            f", of which processes {', '.join(map(str, sorted(promised)))} are about to take "
            f"{sum(promised.values()) / 1e9:.1f} GB"
        )
    return text


def _give_back(note: Path, lock: FileLock) -> None:
    note.unlink(missing_ok=True)
    lock.release()
    note.with_suffix(".lock").unlink(missing_ok=True)


def _promised() -> dict[int, int]:
    """Add up what each living process has claimed and not yet taken; forget the dead ones."""
    promised: dict[int, int] = {}
    for note in ledger().glob("*.json"):
        lock = note.with_suffix(".lock")
        try:
            with FileLock(lock, timeout=0), suppress(FileNotFoundError):  # given back just now
                note.rename(note.with_suffix(".killed"))
            lock.unlink(missing_ok=True)
        except Timeout:
            try:
                needed, pid, before, _ = json.loads(note.read_text())
            except (OSError, ValueError):  # released or written at this moment
                continue
            missing = max(0, needed - (_anonymous(pid) - before))
            promised[pid] = promised.get(pid, 0) + missing
    return promised


def _anonymous(pid: int) -> int:
    """Bytes of memory that a process has taken, files that it maps apart; 0 where unknown."""
    return kilobytes(Path(f"/proc/{pid}/status"), "RssAnon") or 0
