"""Limits of the container, or of the batch system's job, that this process runs in."""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")

MEMORY_FILES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""Of version 2 and of version 1: the limit, what is used, and what of that can be dropped."""

UNLIMITED = 1 << 60
"""Version 1 writes a number beyond this where there is no limit."""


def memory_available() -> int | None:
    """Return the bytes that may still be taken, file cache included; None without a limit.

    Every level of the hierarchy may set a limit: the tightest counts.
    """
    rooms = [_room(folder, *files) for folder in _levels("memory") for files in MEMORY_FILES]
    return min((room for room in rooms if room is not None), default=None)


def cpu_quota() -> float | None:
    """Return the cores' worth of time that is allowed, such as 1.5; None without a limit."""
    quotas = []
    for folder in _levels("cpu"):
        words = (_read(folder / "cpu.max") or "").split() or [
            _read(folder / "cpu.cfs_quota_us") or "max",
            _read(folder / "cpu.cfs_period_us") or "100000",
        ]
        quota, period = words
        if quota != "max" and int(quota) > 0:
            quotas.append(int(quota) / int(period))
    return min(quotas, default=None)


def _levels(controller: str) -> Iterator[Path]:
    """List the folders of this process's groups, and of the groups around them.

    Version 2 has one hierarchy, version 1 one for each controller. In a container the path may be
    the host's, of which only the top is seen.
    """
    for line in (_read(MEMBERSHIP) or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = ROOT / controllers if controllers else ROOT
        mounted = [top, ROOT / controller] if controllers else [top, ROOT / "unified"]
        for root in dict.fromkeys(mounted):
            folder = root / path.lstrip("/")
            yield from (level for level in (folder, *folder.parents) if level.is_relative_to(root))


def _room(folder: Path, limit: str, used: str, cached: str) -> int | None:
    """Return the limit of one level less what is used and cannot be dropped."""
    allowed, taken = _read(folder / limit), _read(folder / used)
    if allowed is None or taken is None or allowed == "max" or int(allowed) > UNLIMITED:
        return None
    words = (_read(folder / "memory.stat") or "").split()
    droppable = int(words[words.index(cached) + 1]) if cached in words else 0
    return int(allowed) - int(taken) + droppable


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
