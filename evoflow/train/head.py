"""A trained head as it is kept: a configuration and arrays, readable without torch."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from evoflow.train.calibration import UNCALIBRATED, Calibration
from evoflow.train.head_config import HeadConfig
from evoflow.train.pairs import Pairs

if TYPE_CHECKING:
    from evoflow.train.network import ConvolutionalHead


@dataclass(frozen=True)
class Head:
    """A trained head.

    Attributes
    ----------
    config
        Its shape.
    weights
        By name.
    calibration
        From what the network predicts to the score that carried alleles have on average.
    """

    config: HeadConfig
    weights: dict[str, npt.NDArray[np.float32]]
    calibration: Calibration = UNCALIBRATED

    def build(self) -> "ConvolutionalHead":
        """Make the network, on the CPU and in evaluation mode."""
        import torch

        from evoflow.train.network import ConvolutionalHead

        network = ConvolutionalHead(self.config)
        network.load_state_dict({name: torch.tensor(w) for name, w in self.weights.items()})
        return network.eval()

    def predict(self, pairs: Pairs, *, device: str = "auto") -> npt.NDArray[np.float64]:
        """Predict the calibrated score of every example, its orientations averaged.

        Parameters
        ----------
        pairs
            Rows; their targets and weights count for nothing.
        device
            `auto`: the first GPU, else the CPU; or a torch device.

        Returns
        -------
        ndarray
            In the order of `pairs.examples`, shape=(examples,).
        """
        from evoflow.devices.choice import choose_device
        from evoflow.train.prediction import outputs

        where = choose_device(device)
        raw = outputs(self.build().to(where), pairs, where).astype(np.float64)
        return self.calibration(pairs.by_example(raw))
