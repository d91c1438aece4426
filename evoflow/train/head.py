"""A trained head as it is kept: a configuration and arrays, readable without torch."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from evoflow.impact import HIGHEST_SCORE
from evoflow.train.head_config import HeadConfig
from evoflow.train.pairs import Embeddings

if TYPE_CHECKING:
    from evoflow.train.network import ConvolutionalHead


@dataclass(frozen=True)
class Head:
    """A trained head: its shape and its weights by name."""

    config: HeadConfig
    weights: dict[str, npt.NDArray[np.float32]]

    def build(self) -> "ConvolutionalHead":
        """Make the network, on the CPU and in evaluation mode."""
        import torch

        from evoflow.train.network import ConvolutionalHead

        network = ConvolutionalHead(self.config)
        network.load_state_dict({name: torch.tensor(w) for name, w in self.weights.items()})
        return network.eval()

    def predict(
        self,
        embeddings: Embeddings,
        read: npt.NDArray[np.int64],
        window: npt.NDArray[np.int64],
        *,
        device: str = "auto",
    ) -> npt.NDArray[np.float64]:
        """Predict impact scores, 0..10, shape=(n,).

        Parameters
        ----------
        embeddings
            Shape=(sequences, tokens, width).
        read, window
            Row numbers in `embeddings` of each read and of its reference window, shape=(n,).
        device
            `auto`: the first GPU, else the CPU; or a torch device.
        """
        from evoflow.devices.choice import choose_device
        from evoflow.train.prediction import outputs

        where = choose_device(device)
        predicted = outputs(self.build().to(where), embeddings, read, window, where)
        return predicted.astype(np.float64) * HIGHEST_SCORE
