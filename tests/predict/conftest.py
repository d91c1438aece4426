"""An untrained head on a short stretch of tokens: small, seeded, and of the true form."""

import pytest
import torch

from evoflow.predict.trained import TrainedHead
from evoflow.settings import EmbeddingSettings, Window
from evoflow.train.head import Head, HeadConfig
from evoflow.train.network import ConvolutionalHead
from tests.report.conftest import examples, run, training_rows

__all__ = ["examples", "run", "trained", "training_rows"]


@pytest.fixture(scope="session")
def trained():
    config = HeadConfig(width=128, channels=4, kernel_size=3, layers=1, dropout=0.0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ConvolutionalHead(config)
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    embedding = EmbeddingSettings(tokens=Window(window=8))
    return TrainedHead(Head(config, weights), "evo-tiny", None, embedding, read_length=40)
