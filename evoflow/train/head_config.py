"""The shape of a head."""

from dataclasses import dataclass


@dataclass(frozen=True)
class HeadConfig:
    """Shape of a head.

    Attributes
    ----------
    width
        Channels of an embedding.
    channels, kernel_size, layers, dropout
        As in `HeadSettings`.
    """

    width: int
    channels: int
    kernel_size: int
    layers: int
    dropout: float
