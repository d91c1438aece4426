"""Made-up embeddings with a signal that a head can find."""

import numpy as np
import pandas as pd
import pytest

from evoflow.settings import HeadSettings
from evoflow.train.pairs import Pairs


@pytest.fixture
def settings():
    return HeadSettings(channels=8, kernel_size=3, layers=1, epochs=20, patience=20)


@pytest.fixture
def make_pairs():
    """Make rows whose score is the size of the difference between read and window."""

    def make(rows, seed=0, tokens=6, width=5, dtype=np.float16):
        rng = np.random.default_rng(seed)
        score = rng.choice([0, 1, 2, 5, 10], size=rows)
        window = rng.normal(size=(rows, tokens, width))
        read = window.copy()
        read[:, tokens // 2 :, 0] += score[:, None] / 5
        embeddings = np.concatenate([read, window]).astype(dtype)
        numbers = np.arange(rows)
        columns = {"read": numbers, "window": numbers + rows, "example": numbers}
        table = pd.DataFrame(columns).assign(weight=1.0, carries_alt=score > 0)
        return Pairs.of(embeddings, table, pd.Series(score))

    return make
