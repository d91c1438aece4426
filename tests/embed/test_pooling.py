"""Where windows lie, worked out by hand."""

import pytest
import torch

from evoflow.embed.pooling import Span, pool, span
from evoflow.errors import InputError
from evoflow.settings import Window


@pytest.mark.parametrize(
    ("window", "length", "offset", "start"),
    [
        (4, 10, 5, 3),
        (5, 10, 5, 3),
        (1, 10, 5, 5),
        (4, 10, 0, 0),  # moved right
        (4, 10, 1, 0),
        (4, 10, 9, 6),  # moved left
        (10, 10, 2, 0),
        (4, 10, None, 3),  # about the middle
        (1, 1, None, 0),
    ],
)
def test_windows(window, length, offset, start):
    kept = span(Window(window=window), length, offset)
    assert kept == Span(start, start + window, averaged=False)


@pytest.mark.parametrize(
    ("window", "offset", "problem"),
    [(11, 5, "fewer than the window of 11"), (4, 10, "none at offset 10"), (4, -1, "offset -1")],
)
def test_impossible_windows(window, offset, problem):
    with pytest.raises(InputError, match=problem):
        span(Window(window=window), 10, offset)


@pytest.mark.parametrize("tokens", ["MEAN", {"window": 4}, 4, None])
def test_unknown_tokens_are_not_taken_for_all(tokens):
    with pytest.raises(InputError, match=r"set 'all', 'mean' or Window\(window=64\)"):
        span(tokens, 10, None)


def test_mean_and_all():
    states = torch.arange(12.0).view(2, 3, 2)
    states[0, 2] = torch.nan  # padding
    means = [span("mean", length, None) for length in (2, 3)]
    assert pool(states, [0, 1], means).tolist() == [[1.0, 2.0], [8.0, 9.0]]
    whole = [span("all", 3, None), Span(1, 2, averaged=False)]
    assert torch.equal(pool(states, [1, 0], whole), torch.cat([states[1], states[0, 1:2]]))
    assert means[1].num_tokens == 1
