"""What embedding costs: sequences, tokens, and hours at the rate of the first batches."""

import time
from collections.abc import Callable, Sequence

from evoflow.progress import duration

FIRST_SECONDS = 20.0
FIRST_SHARE = 0.05
"""The first batches: those of so many seconds, or so large a share of the sequences."""


def size_in_words(sequences: Sequence[str]) -> str:
    """Count sequences and their tokens, one for each base: `12,000 sequences x 8,192 tokens`."""
    lengths = sorted({len(sequence) for sequence in sequences})
    if len(lengths) < 2:
        return f"{len(sequences):,} sequences x {lengths[0] if lengths else 0:,} tokens"
    return f"{len(sequences):,} sequences x {lengths[0]:,} to {lengths[-1]:,} tokens"


class Forecast:
    """Says once, after the first batches, how long all sequences will take.

    Parameters
    ----------
    sequences
        Of this task.
    all_tokens
        Those of all tasks; 0 where there is no other.
    device
        What is busy for so long, such as `GPU`.
    tell
        Called with the sentence.
    clock
        Seconds.
    """

    def __init__(
        self,
        sequences: Sequence[str],
        all_tokens: int,
        device: str,
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._size = size_in_words(sequences)
        self._device = device
        own = sum(map(len, sequences))
        self._times = all_tokens / own if all_tokens > own > 0 else 1.0
        self._tell, self._clock = tell, clock
        self._first: tuple[int, float] | None = None
        self._is_told = False

    def advance(self, done: int, total: int) -> None:
        """Take note of how many sequences are done."""
        if self._is_told:
            return
        now = self._clock()
        if self._first is None:  # what comes before is the model getting ready
            self._first = (done, now)
            return
        before, start = self._first
        if now - start < FIRST_SECONDS and done - before < FIRST_SHARE * total and done < total:
            return
        self._is_told = True
        seconds = total * (now - start) / max(1, done - before)
        whole = f" ({self._hours(self._times * seconds)} for those of all shards)"
        self._tell(
            f"{self._size}: about {self._hours(seconds)}{whole if self._times > 1 else ''} at the "
            "rate of the first batches"
        )

    def _hours(self, seconds: float) -> str:
        if seconds < 60:
            return f"{duration(seconds)} of {self._device}"
        return f"{seconds / 3600:,.2f} {self._device} hours"
