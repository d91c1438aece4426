"""A head that is built from arrays, and its prediction averaged over orientations."""

import numpy as np
import pandas as pd
import pytest
import torch

from evoflow.train.calibration import Calibration
from evoflow.train.head import Head
from evoflow.train.head_config import HeadConfig
from evoflow.train.network import ConvolutionalHead
from evoflow.train.pairs import Pairs

SHAPE = HeadConfig(width=5, channels=4, kernel_size=3, layers=1, dropout=0.5)


@pytest.fixture
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return ConvolutionalHead(SHAPE).eval()


@pytest.fixture
def head(network):
    return Head(SHAPE, {name: each.numpy() for name, each in network.state_dict().items()})


def two_orientations(embeddings):
    """Example 0 has the rows 0 and 2, example 1 has row 1."""
    rows = pd.DataFrame(
        {"read": [0, 1, 2], "window": [3, 4, 5], "example": [0, 1, 0], "weight": 1.0}
    )
    return Pairs.of(embeddings, rows.assign(carries_alt=True), pd.Series([0, 0, 0]))


def test_a_head_is_the_network_that_it_came_from_without_dropout(network, head):
    read, window = torch.randn(2, 6, 5), torch.randn(2, 6, 5)
    with torch.no_grad():
        torch.testing.assert_close(head.build()(read, window), network(read, window))
    assert not head.build().training


def test_orientations_are_averaged_before_they_are_calibrated(network, head):
    embeddings = np.random.default_rng(0).normal(size=(6, 6, 5)).astype(np.float32)
    with torch.no_grad():
        each = network(torch.tensor(embeddings[:3]), torch.tensor(embeddings[3:])).numpy()
    mean = np.array([(each[0] + each[2]) / 2, each[1]])
    pairs = two_orientations(embeddings)
    np.testing.assert_allclose(head.predict(pairs, device="cpu"), mean, rtol=1e-5)
    doubled = Head(SHAPE, head.weights, Calibration((0.0, 10.0), (0.0, 20.0)))
    np.testing.assert_allclose(doubled.predict(pairs, device="cpu"), 2 * mean, rtol=1e-5)
