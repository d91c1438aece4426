"""Which tokens of a sequence are kept."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from evoflow.errors import InputError
from evoflow.settings import Window

if TYPE_CHECKING:
    from torch import Tensor

Tokens = Literal["all", "mean"] | Window
"""`all`, `mean`, or a window around the allele."""


@dataclass(frozen=True)
class Span:
    """Tokens of one sequence that are kept: 0-based, half-open."""

    start: int
    stop: int
    averaged: bool

    @property
    def num_tokens(self) -> int:
        """Rows of the embedding."""
        return 1 if self.averaged else self.stop - self.start

    def pool(self, states: "Tensor") -> "Tensor":
        """Take the span of one sequence.

        Parameters
        ----------
        states
            shape=(length, width).

        Returns
        -------
        Tensor
            shape=(num_tokens, width); the mean is taken in float32.
        """
        kept = states[self.start : self.stop]
        return kept.float().mean(0, keepdim=True) if self.averaged else kept


def span(tokens: Tokens, length: int, offset: int | None) -> Span:
    """Choose the tokens of one sequence.

    Parameters
    ----------
    tokens
        A window of N tokens is `[offset - N // 2, offset - N // 2 + N)`, moved to stay within
        the sequence.
    length
        Tokens of the sequence.
    offset
        0-based index of the allele's first base; default: the middle of the sequence.

    Raises
    ------
    InputError
        If the sequence is shorter than the window, or the offset lies outside the sequence.
    """
    if not isinstance(tokens, Window):
        return Span(0, length, averaged=tokens == "mean")
    if tokens.window > length:
        raise InputError(
            f"has {length} bases, fewer than the window of {tokens.window} tokens; "
            "set model.embedding.tokens.window to at most the shortest sequence, or to `mean`"
        )
    centre = length // 2 if offset is None else offset
    if not 0 <= centre < length:
        raise InputError(f"has {length} bases, so none at offset {offset} (0-based)")
    start = min(max(centre - tokens.window // 2, 0), length - tokens.window)
    return Span(start, start + tokens.window, averaged=False)
