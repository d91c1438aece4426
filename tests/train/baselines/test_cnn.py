"""What the CNN learns from letters, and what its process imports."""

import subprocess
import sys
from pathlib import Path

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


def test_its_process_needs_no_other_baseline_and_not_torchs_compiler():
    heavy = {"sklearn", "scipy.stats", "metaflow", "torch._dynamo"}
    program = (
        f"import sys; from {__name__} import test_it_finds_the_letter_that_decides as train\n"
        f"train(); print({heavy} & {{*sys.modules}})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "set()"
