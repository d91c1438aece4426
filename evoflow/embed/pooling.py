"""Which tokens of a sequence are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from evoflow.errors import InputError
from evoflow.settings import Window

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, device

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


def pool(states: "Tensor", rows: Sequence[int], spans: Sequence[Span]) -> "Tensor":
    """Take spans of a batch, all averaged or none.

    Parameters
    ----------
    states
        shape=(batch, length, width).
    rows
        The sequence of each span.

    Returns
    -------
    Tensor
        The spans' rows, one span after the other, shape=(sum of num_tokens, width); means are
        taken in float32.
    """
    import torch

    length = states.shape[1]
    if spans[0].averaged:
        stops = on_device([kept.stop for kept in spans], states.device)[:, None, None]
        places = torch.arange(length, device=states.device)[:, None]
        inside = torch.where(places < stops, states[on_device(rows, states.device)], 0)
        return inside.sum(1, dtype=torch.float32) / stops[:, 0]
    index = [
        np.arange(row * length + kept.start, row * length + kept.stop)
        for row, kept in zip(rows, spans, strict=True)
    ]
    return states.flatten(0, 1)[on_device(np.concatenate(index), states.device)]


def on_device(numbers: "Sequence[int] | NDArray[np.int64] | Tensor", device: "device") -> "Tensor":
    """Copy integers to a device without waiting for what it computes."""
    import torch

    tensor = torch.as_tensor(numbers)
    # From other memory the host would wait until the copy is done.
    tensor = tensor.pin_memory() if device.type == "cuda" else tensor
    return tensor.to(device, non_blocking=True)


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
        If `tokens` is none of these, the sequence is shorter than the window, or the offset lies
        outside the sequence.
    """
    if tokens in ("all", "mean"):
        return Span(0, length, averaged=tokens == "mean")
    if not isinstance(tokens, Window):
        raise InputError(f"tokens is {tokens!r}; set 'all', 'mean' or Window(window=64)")
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
