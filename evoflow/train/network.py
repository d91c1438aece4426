"""The convolutional head itself."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from evoflow.train.head import HeadConfig

DILATION = 3
"""Factor by which each layer sees further: as codons do, the second layer steps by three bases."""


class ConvolutionalHead(nn.Module):
    """A small 1-D convolutional network over a read and its difference to the reference window.

    Every input channel is standardised with the training rows' mean and spread: hidden states
    have a few channels that are hundreds of times larger than the others. A 1x1 projection then
    brings any width down to `channels`, and residual convolutions follow, each `DILATION` times
    as wide as the one before: three of them with a kernel of 7 see 79 tokens.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, config: HeadConfig) -> None:
        super().__init__()
        channels = config.channels
        self.register_buffer("centre", torch.zeros(2 * config.width))
        self.register_buffer("scale", torch.ones(2 * config.width))
        self.project = nn.Linear(2 * config.width, channels)
        self.layers = nn.ModuleList(
            _layer(channels, config.kernel_size, DILATION**number, config.dropout)
            for number in range(config.layers)
        )
        self.readout = nn.Sequential(
            nn.LayerNorm(2 * channels), nn.Dropout(config.dropout), nn.Linear(2 * channels, 1)
        )

    def forward(self, read: Tensor, window: Tensor) -> Tensor:
        """Predict the impact score divided by the highest one.

        Parameters
        ----------
        read, window
            Embeddings, shape=(n, tokens, width).

        Returns
        -------
        Tensor
            In [0, 1], shape=(n,).
        """
        x = self._project(read, window)  # (n, tokens, channels)
        x = x.transpose(1, 2).contiguous()  # (n, channels, tokens)
        for layer in self.layers:
            x = x + layer(x)
        pooled = torch.cat([x.mean(dim=-1), x.amax(dim=-1)], dim=-1)  # (n, 2 * channels)
        return torch.sigmoid(self.readout(pooled).squeeze(-1))

    def _project(self, read: Tensor, window: Tensor) -> Tensor:
        """Standardise read and difference, and project them, without a copy of either.

        The weights are standardised instead, which asks for float32: a channel's mean may be
        hundreds of times its spread.
        """
        width = read.shape[-1]
        with torch.autocast(read.device.type, enabled=False):
            weight = self.project.weight * self.scale
            bias = self.project.bias - weight @ self.centre
            projected = _product(read, weight[:, :width]) + bias
            return projected + _product(read - window, weight[:, width:])


def _product(x: Tensor, weight: Tensor) -> Tensor:
    """Return `x @ weight.T`, shape=(n, tokens, channels)."""
    if x.device.type != "cpu" or x.shape[1] == 1:
        return F.linear(x, weight)
    # A convolution over single tokens is the same, but by oneDNN: faster than other libraries on
    # CPUs with AVX-512 that are not Intel's. The layout is that of images, channels last.
    image = x.transpose(1, 2).unsqueeze(2)  # (n, width, 1, tokens)
    return F.conv2d(image, weight[:, :, None, None]).squeeze(2).transpose(1, 2)


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
