"""The notes that processes leave of the memory they are about to take; without torch."""

import json
from pathlib import Path

from filelock import FileLock, Timeout

from evoflow.devices.cgroups import memory_available
from evoflow.devices.runtime import runtime_folder


def ledger() -> Path:
    """Name the folder of the notes, and make it."""
    folder = runtime_folder() / "memory"
    folder.mkdir(exist_ok=True)
    return folder


def machine_memory() -> int | None:
    """Bytes of the machine's memory that are free, within the container's limit."""
    limits = [kilobytes(Path("/proc/meminfo"), "MemAvailable"), memory_available()]
    return min((limit for limit in limits if limit is not None), default=None)


def memory_kills() -> int | None:
    """Count the processes that the kernel has killed for want of memory; None where unknown."""
    try:
        words = Path("/proc/vmstat").read_text(encoding="ascii").split()
        return int(words[words.index("oom_kill") + 1])
    except (OSError, ValueError):
        return None


def killed_claims(parent: int) -> list[int]:
    """List the bytes that children of a process needed when they were killed; each is told once.

    A process that ends in any other way takes its note along.
    """
    needs = []
    with FileLock(ledger() / "ledger.lock"):
        for note in [*ledger().glob("*.json"), *ledger().glob("*.killed")]:
            try:
                with FileLock(note.with_suffix(".lock"), timeout=0):
                    needed, _, _, began_by = json.loads(note.read_text())
                    if began_by == parent:
                        needs.append(int(needed))
                        note.unlink()
            except (Timeout, OSError, ValueError):  # its process lives
                continue
    return needs


def kilobytes(path: Path, name: str) -> int | None:
    """Read a line such as `MemAvailable: 1024 kB` as bytes."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return None
    found = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(found[0]) * 1024 if found else None
