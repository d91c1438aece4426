"""What the CNN learns from letters, and what its process imports."""

import subprocess
import sys

import numpy as np
import pandas as pd

from evoflow.settings import HeadSettings
from evoflow.train.baselines.cnn import one_hot_cnn
from evoflow.train.folds import Fold


def test_it_finds_the_letter_that_decides():
    random = np.random.default_rng(0)
    number = 300
    window = random.integers(0, 4, (number, 6))
    read = window.copy()
    read[:, 3] = (window[:, 3] + 1) % 4
    examples = pd.DataFrame(
        {"label": np.where(read[:, 4] == 2, 10, 1), "carries_alt": True}, index=range(number)
    )
    rows = pd.DataFrame({"read": range(number), "window": range(number, 2 * number)})
    rows = rows.assign(example=range(number), weight=1.0)
    fold = Fold(examples, {"train": rows[:200], "validation": rows[200:250], "test": rows[250:]})
    letters = np.eye(4, dtype=np.float16)[np.concatenate([read, window])]
    settings = HeadSettings(channels=8, kernel_size=3, layers=1, epochs=20, learning_rate=5e-3)
    levels = (0.0, 1.0, 2.0, 5.0, 10.0)
    predicted = one_hot_cnn(fold, letters, settings, seed=0, device="cpu", levels=levels)
    severe = examples["label"][250:] == 10
    assert predicted[severe].mean() > predicted[~severe].mean() + 3


def test_its_process_imports_no_other_baseline():
    program = (
        "import sys, evoflow.train.baselines.cnn\n"
        "print({'sklearn.ensemble', 'sklearn.linear_model', 'metaflow'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
