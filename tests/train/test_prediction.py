"""Rows as the network gets them."""

import numpy as np
import pandas as pd
import torch

from evoflow.train import prediction
from evoflow.train.pairs import Pairs

CPU = torch.device("cpu")
EMBEDDINGS = np.arange(4 * 3 * 1, dtype=np.float32).reshape(4, 3, 1)
"""Sequence k has the tokens 3k, 3k + 1 and 3k + 2."""


def pairs(**columns):
    rows = pd.DataFrame({"example": [0, 1], "weight": 1.0, "carries_alt": True} | columns)
    return Pairs.of(EMBEDDINGS, rows, pd.Series([0, 0]))


def test_reads_and_windows_are_found_by_their_numbers():
    read, window = prediction.gather(pairs(read=[2, 0], window=[1, 1]), np.array([1, 0]), CPU)
    assert read.squeeze(-1).tolist() == [[0, 1, 2], [6, 7, 8]]
    assert window.squeeze(-1).tolist() == [[3, 4, 5], [3, 4, 5]]


def test_the_other_strand_stands_beside_the_same_base_from_its_end():
    both = pairs(read=[0, 0], window=[1, 1])
    numbers = np.array([[0, 2]])
    found = prediction._strands(both, numbers, CPU)
    assert found.tolist() == [[[0, 8], [1, 7], [2, 6]]]


def test_all_rows_are_predicted_whatever_the_batch(monkeypatch):
    class Sum(torch.nn.Module):
        def forward(self, read, window):
            return (read - window).sum((1, 2))

    rows = pairs(read=[2, 3], window=[0, 0])
    found = []
    for batch in (1, 256):
        monkeypatch.setattr(prediction, "PREDICTION_BATCH", batch)
        found.append(prediction.outputs(Sum(), rows, CPU).tolist())
    assert found == [[18, 27], [18, 27]]  # 3 tokens, each 6 or 9 apart


def test_on_a_cpu_embeddings_stay_and_nothing_is_rounded():
    assert prediction.place(EMBEDDINGS, CPU) is EMBEDDINGS
    assert prediction.autocast_dtype(CPU) == torch.float32
    with prediction.autocast(CPU):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
