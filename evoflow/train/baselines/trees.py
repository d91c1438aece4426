"""Gradient-boosted trees on an allele's type and the bases around it: what needs no network."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from evoflow.labels.target import LABEL
from evoflow.train.baselines.simple import Floats, Predict
from evoflow.train.evaluation.weighted import rank_correlation

BASES = 8
"""Reference bases to each side of the allele that the trees see."""

ITERATIONS = 200
STEP = 10
"""The validation alleles choose how many of the trees are used, in steps of so many."""


def boosted_trees(
    examples: pd.DataFrame,
    weight: npt.NDArray[np.floating],
    validation: pd.DataFrame,
    *,
    seed: int,
) -> Predict:
    """Fit trees to the training rows; the validation's carried alleles choose how many.

    Parameters
    ----------
    examples, weight
        Of the training rows.
    validation
        The validation examples.
    seed
        Of the trees.
    """
    # Takes a second, which the process that trains the head does not have to spend.
    from sklearn.ensemble import HistGradientBoostingRegressor

    known = features(examples)
    trees = HistGradientBoostingRegressor(
        max_iter=ITERATIONS,
        categorical_features=["base" in str(name) for name in known],
        early_stopping=False,
        random_state=seed,
    ).fit(known, examples[LABEL], weight)
    judged = validation[validation["carries_alt"].astype(bool)]
    truth = judged[LABEL].to_numpy()
    stages = list(range(STEP - 1, ITERATIONS, STEP))
    kept = stages[-1]
    if len(judged) > 1 and np.ptp(truth) > 0:
        staged = list(trees.staged_predict(features(judged)))
        kept = max(stages, key=lambda stage: _correlation(staged[stage], truth))

    def predict(table: pd.DataFrame) -> Floats:
        for stage, predicted in enumerate(trees.staged_predict(features(table))):
            if stage == kept:
                return np.asarray(predicted, dtype=np.float64)
        raise AssertionError

    return predict


def features(examples: pd.DataFrame) -> pd.DataFrame:
    """Describe alleles: their type and length, and the reference around them.

    Returns
    -------
    DataFrame
        Numbers `carries`, `change` (bases that are gained or lost), `shift` (of the reading
        frame) and `length` (of the reference allele); codes of bases 0..3 (4 is N, NaN lies
        outside the window): `ref base`, `alt base` and `base -8` to `base 8`.
    """
    offset = examples["variant_offset"].to_numpy(dtype=np.int64)
    length = examples["ref"].str.len().to_numpy()
    change = examples["alt"].str.len().to_numpy() - length
    columns = {
        "carries": examples["carries_alt"].to_numpy(dtype=np.float64),
        "change": change,
        "shift": change % 3,
        "length": length,
        "ref base": _first(examples["ref"]),
        "alt base": _first(examples["alt"]),
    }
    window = np.stack([_codes(text) for text in examples["reference_sequence"]])
    for step in range(1, BASES + 1):
        columns[f"base -{step}"] = _at(window, offset - step)
        columns[f"base {step}"] = _at(window, offset + length + step - 1)
    return pd.DataFrame(columns).astype(np.float64)


def _codes(text: str) -> npt.NDArray[np.int64]:
    letters = np.frombuffer(text.encode(), np.uint8)
    return np.select([letters == ord(base) for base in "ACGT"], range(4), 4)


def _first(alleles: pd.Series) -> npt.NDArray[np.int64]:
    return _codes("".join(alleles.str[0]))


def _at(window: npt.NDArray[np.int64], place: npt.NDArray[np.integer]) -> Floats:
    inside = (place >= 0) & (place < window.shape[1])
    found = window[np.arange(len(window)), np.clip(place, 0, window.shape[1] - 1)]
    return np.where(inside, found, np.nan)


def _correlation(predicted: Floats, truth: npt.NDArray[np.float64]) -> float:
    return -1.0 if np.ptp(predicted) == 0 else rank_correlation(predicted, truth)
