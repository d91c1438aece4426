"""The shape of a head."""

from dataclasses import dataclass

from evoflow.impact import LEVELS


@dataclass(frozen=True)
class HeadConfig:
    """Shape of a head.

    Attributes
    ----------
    width
        Channels of a token, of all strands together.
    channels, kernel_size, layers, dropout
        As in `HeadSettings`.
    levels
        The ordered values that a target can take, or between which it lies.
    """

    width: int
    channels: int
    kernel_size: int
    layers: int
    dropout: float
    levels: tuple[float, ...] = LEVELS
