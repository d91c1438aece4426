"""Which sequences go through the model together."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Batch:
    """Sequences that go through the model together, padded on the right to the longest.

    Attributes
    ----------
    rows
        Indices of the sequences, longest first.
    length
        Tokens of the longest.
    size
        Rows computed: as many as `rows`, or more, which are then padding.
    """

    rows: tuple[int, ...]
    length: int
    size: int

    @property
    def num_tokens(self) -> int:
        """Tokens computed, padding included."""
        return self.size * self.length

    def halves(self) -> "list[Batch]":
        """Split into two, or one if that holds all rows, for a device with too little memory."""
        half = (self.size + 1) // 2
        first = Batch(self.rows[:half], self.length, half)
        rest = Batch(self.rows[half:], self.length, self.size - half)
        return [first, rest] if rest.rows else [first]


def plan_batches(
    sequences: Sequence[str], tokens_per_batch: int, *, filled: bool = False
) -> list[Batch]:
    """Group sequences of like length within a budget of tokens.

    Longest first, so that a lack of memory shows at once. Ties are ordered by the sequence, so
    that the order in which sequences come changes no batch. A sequence longer than the budget
    goes alone. Where batches are `filled`, all those of a length are of one size.
    """
    order = sorted(range(len(sequences)), key=lambda row: (-len(sequences[row]), sequences[row]))
    batches: list[Batch] = []
    start = 0
    while start < len(order):
        length = len(sequences[order[start]])
        num_rows = max(1, tokens_per_batch // length)
        if num_rows > 8:
            num_rows -= num_rows % 8  # what matrix products on GPUs are laid out for
        rows = order[start : start + num_rows]
        batches.append(Batch(tuple(rows), length, num_rows if filled else len(rows)))
        start += len(rows)
    return batches
