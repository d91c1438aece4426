import subprocess
import sys

import numpy as np
import pytest

from evoflow.train.calibration import UNCALIBRATED, Calibration


def test_a_line_goes_through_its_points_and_stays_level_beyond():
    found = Calibration((1.0, 3.0), (0.5, 4.5))(np.array([0.0, 1.0, 2.0, 9.0]))
    assert found == pytest.approx([0.5, 0.5, 2.5, 4.5])


def test_without_points_predictions_stay_as_they_are():
    assert UNCALIBRATED(np.array([0.0, 7.5])).tolist() == [0.0, 7.5]


IMPORT = """
import importlib, sys
for module in sys.argv[1:]:
    importlib.import_module(module)
    print(module, *{"torch", "sklearn", "scipy.stats"} & {*sys.modules})
"""


def test_what_later_steps_read_needs_no_library_of_the_training():
    """The first module with a library behind it is the one that imports it."""
    modules = ["evoflow.train.head", "evoflow.train.evaluation.headline", "evoflow.augment.split"]
    command = [sys.executable, "-c", IMPORT, *modules]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == modules
