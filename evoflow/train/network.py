"""The convolutional head itself."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from evoflow.devices import onednn
from evoflow.settings.model import DILATION
from evoflow.train.head_config import HeadConfig

PART = 2**20
"""Values that are projected at once on a CPU: 16 MB of float32."""


class ConvolutionalHead(nn.Module):
    """A small 1-D convolutional network over a read and its difference to the reference window.

    Every input channel is standardised with the training rows' mean and spread: hidden states
    have a few channels that are hundreds of times larger than the others. A 1x1 projection then
    brings any width down to `channels`, and residual convolutions follow, each `DILATION` times
    as wide as the one before: three of them with a kernel of 7 see 79 tokens.

    Scores are ordered levels, so the head says for each above the lowest how likely it is reached
    (Frank and Hall 2001); their expectation is the predicted score. Two levels are a plain
    classification, many approach a regression.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, config: HeadConfig) -> None:
        super().__init__()
        channels = config.channels
        self.levels = config.levels
        self.register_buffer("centre", torch.zeros(2 * config.width))
        self.register_buffer("scale", torch.ones(2 * config.width))
        self.project = nn.Linear(2 * config.width, channels)
        self.layers = nn.ModuleList(
            _layer(channels, config.kernel_size, DILATION**number, config.dropout)
            for number in range(config.layers)
        )
        self.readout = nn.Sequential(
            nn.LayerNorm(2 * channels),
            nn.Dropout(config.dropout),
            nn.Linear(2 * channels, len(config.levels) - 1),
        )

    def forward(self, read: Tensor, window: Tensor) -> Tensor:
        """Predict the score.

        Parameters
        ----------
        read, window
            Embeddings, shape=(n, tokens, width), in any floating-point type.

        Returns
        -------
        Tensor
            Between the lowest and the highest level, shape=(n,).
        """
        return self.expected(self.logits(read, window))

    def expected(self, logits: Tensor) -> Tensor:
        """Sum up the rise from each level to the next by the odds of reaching it, shape=(n,)."""
        rises = [high - low for low, high in pairwise(self.levels)]
        reached = torch.sigmoid(logits.float())
        return self.levels[0] + (reached * reached.new_tensor(rises)).sum(-1)

    def reached(self, target: Tensor) -> Tensor:
        """Tell which levels a score reaches: those it is nearer to than to the one below."""
        halfway = [(low + high) / 2 for low, high in pairwise(self.levels)]
        return (target[:, None] > target.new_tensor(halfway)).float()

    def logits(self, read: Tensor, window: Tensor) -> Tensor:
        """Predict the log-odds that the score reaches each level above the lowest: (n, levels)."""
        x = self._project(read, window)  # (n, tokens, channels)
        x = x.transpose(1, 2).contiguous()  # (n, channels, tokens)
        for layer in self.layers:
            x = x + layer(x)
        pooled = torch.cat([x.mean(dim=-1), x.amax(dim=-1)], dim=-1)  # (n, 2 * channels)
        found: Tensor = self.readout(pooled)
        return found

    def _project(self, read: Tensor, window: Tensor) -> Tensor:
        """Standardise read and difference, and project them.

        The weights are standardised instead, which asks for float32: a channel's mean may be
        hundreds of times its spread.
        """
        with torch.autocast(read.device.type, enabled=False):
            weight = self.project.weight * self.scale
            bias = self.project.bias - weight @ self.centre
            projected: Tensor = _PairedProduct.apply(read, window, weight)  # type: ignore[no-untyped-call]
            return projected + bias


class _PairedProduct(torch.autograd.Function):
    """`[read, read - window] @ weight.T` in float32, part by part, forwards and backwards.

    Both inputs in float32 are many times larger than they are stored and than the result; of
    them only a part exists at a time, on a CPU one that stays in its cache. Only the weight has a
    gradient.
    """

    @staticmethod
    def forward(ctx: Any, read: Tensor, window: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(read, window)
        of_read, of_difference = (half.contiguous() for half in weight.chunk(2, dim=1))
        return torch.cat(
            [
                onednn.linear(x, of_read) + onednn.linear(difference, of_difference)
                for x, difference in _parts(read, window)
            ]
        )

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, None, Tensor]:
        read, window = ctx.saved_tensors
        total = gradient.new_zeros(2, gradient.shape[-1], read.shape[-1])
        start = 0
        for pair in _parts(read, window):
            some = gradient[start : start + len(pair[0])].flatten(0, 1).t()
            for number, x in enumerate(pair):
                total[number] += onednn.linear(some, x.flatten(0, 1).t())
            start += len(pair[0])
        return None, None, torch.cat([*total], dim=1)


def _parts(read: Tensor, window: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield some rows of the read and of its difference to the window, in float32.

    They lie where the ones before lay: new memory takes far longer to get than to fill.
    """
    rows = len(read) if read.device.type != "cpu" else max(1, PART // read[0].numel())
    room = torch.empty((2, rows, *read.shape[1:]), dtype=torch.float32, device=read.device)
    for some, other in zip(torch.split(read, rows), torch.split(window, rows), strict=True):
        x, difference = room[:, : len(some)]
        x.copy_(some)
        torch.sub(x, difference.copy_(other), out=difference)
        yield x, difference


def _layer(channels: int, kernel_size: int, dilation: int, dropout: float) -> nn.Sequential:
    """Make one residual layer, which keeps the number of tokens."""
    padding = kernel_size // 2 * dilation
    return nn.Sequential(
        nn.GroupNorm(1, channels),
        nn.Conv1d(channels, channels, kernel_size, padding=padding, dilation=dilation),
        nn.GELU(),
        # Whole channels are dropped: neighbouring tokens would give a dropped one away.
        nn.Dropout1d(dropout),
    )
