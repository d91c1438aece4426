"""The convolutional head itself."""

import torch
from torch import Tensor, nn

from evoflow.train.head import HeadConfig


class ConvolutionalHead(nn.Module):
    """A small 1-D convolutional network over a read and its difference to the reference window.

    Every input channel is standardised with the training rows' mean and spread: hidden states
    have a few channels that are hundreds of times larger than the others. A 1x1 projection then
    brings any width down to `channels`.
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
            nn.Sequential(
                nn.GroupNorm(1, channels),
                nn.Conv1d(channels, channels, config.kernel_size, padding=config.kernel_size // 2),
                nn.GELU(),
                nn.Dropout(config.dropout),
            )
            for _ in range(config.layers)
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
        paired = torch.cat([read, read - window], dim=-1)  # (n, tokens, 2 * width)
        x = self.project((paired - self.centre) * self.scale).transpose(
            1, 2
        )  # (n, channels, tokens)
        for layer in self.layers:
            x = x + layer(x)
        pooled = torch.cat([x.mean(dim=-1), x.amax(dim=-1)], dim=-1)  # (n, 2 * channels)
        return torch.sigmoid(self.readout(pooled).squeeze(-1))
