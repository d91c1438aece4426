"""Progress of long work: what, done and total, rate and time left.

Whoever works calls `advance(done, total)`, which costs nothing and knows nothing of where it is
shown. `shown` gives such a callback for a while: on a terminal it moves a bar, elsewhere it prints
a line every `EVERY` seconds, also while nothing advances.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Protocol

EVERY = 15.0
"""Seconds between two lines."""

FIRST_REFRESH = 20.0
"""Seconds after which a card is first shown; nor is it refreshed so shortly before the end."""

LONGEST_WAIT = 60.0
"""Most seconds between two refreshes, before which they double."""

Advance = Callable[[int, int], None]
"""Called with how much is done and how much there is, as far as it is known by now."""


class Phases(Protocol):
    """Opens a phase of the work; inside, its `Advance` is to be called."""

    def __call__(self, what: str, unit: str) -> AbstractContextManager[Advance]:
        """Open a phase; `unit` is what is counted, in the plural."""


@dataclass
class Meter:
    """How far a phase has come.

    Attributes
    ----------
    what
        The phase, such as `one-hot CNN`.
    unit
        What is counted, in the plural.
    """

    what: str
    unit: str
    done: int = 0
    total: int = 0
    started: float = field(default_factory=time.monotonic)

    def advance(self, done: int, total: int) -> None:
        """Take note."""
        self.done, self.total = done, total

    def seconds_left(self) -> float | None:
        """Estimate the time left; None before anything is done."""
        if not self.done:
            return None
        return (time.monotonic() - self.started) * (self.total - self.done) / self.done

    def pace(self) -> str:
        """Write the rate and the time left: `31.2 sequences/s, 2 min left`."""
        seconds = time.monotonic() - self.started
        left = self.seconds_left()
        if left is None:
            return f"{duration(seconds)} so far"
        rate = self.done / max(seconds, 1e-9)
        per = f"{rate:,.1f} {self.unit}/s" if rate >= 1 else f"{1 / rate:,.1f} s each"
        if self.done >= self.total:
            return f"{per}, took {duration(seconds)}"
        return f"{per}, {duration(left)} left"

    def line(self) -> str:
        """Write the whole line: `embed: 1,200 of 5,000 sequences, 31.2 sequences/s, ...`."""
        counted = f"{self.done:,} of {self.total:,} {self.unit}, " if self.total else ""
        return f"{self.what}: {counted}{self.pace()}"


class RefreshSchedule:
    """When to refresh a card: seldom, as each refresh is a process that renders and stores it."""

    def __init__(self) -> None:
        self._wait = FIRST_REFRESH
        self._due = time.monotonic() + self._wait

    def is_due(self, seconds_left: float | None) -> bool:
        """Whether to refresh now; not shortly before a phase ends, when there is more to show."""
        now = time.monotonic()
        if now < self._due or (seconds_left is not None and seconds_left < FIRST_REFRESH):
            return False
        self._wait = min(2 * self._wait, LONGEST_WAIT)
        self._due = now + self._wait
        return True


def duration(seconds: float) -> str:
    """Write a time for reading: `40 s`, `12 min`, `3 h 20 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def shown(what: str, unit: str) -> AbstractContextManager[Advance]:
    """Show a phase on standard error: a bar on a terminal, else a line now and then."""
    return _bar(what, unit) if sys.stderr.isatty() else _lines(what, unit)


@contextmanager
def _lines(what: str, unit: str) -> Iterator[Advance]:
    """Print a line every so many seconds, and once more at the end if there was any."""
    meter = Meter(what, unit)
    ended, said = Event(), Event()

    def tell() -> None:
        print(meter.line(), file=sys.stderr, flush=True)

    def repeat() -> None:
        while not ended.wait(EVERY):
            said.set()
            tell()

    teller = Thread(target=repeat, name=f"progress of {what}", daemon=True)
    teller.start()
    try:
        yield meter.advance
    finally:
        ended.set()
        teller.join()
        if said.is_set():
            tell()


@contextmanager
def _bar(what: str, unit: str) -> Iterator[Advance]:
    from tqdm import tqdm

    with tqdm(desc=what, unit=f" {unit}") as bar:

        def advance(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield advance


@contextmanager
def silent(what: str, unit: str) -> Iterator[Advance]:  # noqa: ARG001
    """Show nothing."""
    yield lambda _done, _total: None
