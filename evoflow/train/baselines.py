"""What a head must beat: models that need no language model, or only its likelihoods."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import mean_squared_error

from evoflow.impact import HIGHEST_SCORE
from evoflow.train.pairs import Embeddings, Pairs

Scores = npt.NDArray[np.float64]
"""Predicted impact scores, 0..10, shape=(n,)."""

KMER = 4
PENALTIES = (0.1, 1.0, 10.0, 100.0, 1000.0)
"""Of the ridge regression; the validation rows choose."""


def training_mean(training: Pairs, test: Pairs) -> Scores:
    """Predict the weighted mean of the training rows for every row."""
    mean = np.average(training.target, weights=training.weight)
    return np.full(len(test), mean * HIGHEST_SCORE)


def kmer_ridge(sequences: pd.Series, training: Pairs, validation: Pairs, test: Pairs) -> Scores:
    """Regress the score on counts of the read's 4-mers and on their change from the window's.

    Parameters
    ----------
    sequences
        Text of every sequence, in the order of the embeddings.
    training, validation, test
        Rows; only their sequence numbers, targets and weights are used.
    """
    letters = CountVectorizer(analyzer="char", ngram_range=(KMER, KMER), dtype=np.float32)
    counts = letters.fit_transform(sequences)

    def features(pairs: Pairs) -> csr_matrix:
        read = counts[pairs.read]
        return hstack([read, read - counts[pairs.window]], format="csr")

    known, checked = features(training), features(validation)
    fits = [
        Ridge(penalty, solver="lsqr").fit(known, training.target, training.weight)
        for penalty in PENALTIES
    ]
    best = min(fits, key=lambda fit: mean_squared_error(validation.target, fit.predict(checked)))
    return _scores(best.predict(features(test)))


def likelihood_ratio(
    log_likelihood: npt.NDArray[np.floating], training: Pairs, test: Pairs
) -> Scores:
    """Regress the score on how much less likely than its window the model finds the read.

    One number a row, brought to the scale of scores by a line through the training rows, so that
    its errors can be compared too.

    Parameters
    ----------
    log_likelihood
        Mean log-likelihood of every sequence's tokens, shape=(sequences,).
    training, test
        Rows.
    """

    def ratio(pairs: Pairs) -> npt.NDArray[np.float64]:
        found = log_likelihood[pairs.window] - log_likelihood[pairs.read]
        return found.astype(np.float64)[:, None]

    line = LinearRegression().fit(ratio(training), training.target, training.weight)
    return _scores(line.predict(ratio(test)))


def one_hot(sequences: pd.DataFrame, tokens: int) -> Embeddings:
    """Spell out sequences as an embedding of four channels: A, C, G, T; an N has none.

    Parameters
    ----------
    sequences
        Columns `sequence` and `variant_offset`.
    tokens
        Bases around the allele, as the embedding has them; all where it holds one mean token.

    Returns
    -------
    ndarray
        Shape=(sequences, bases, 4), float16.
    """
    length = len(sequences["sequence"].iloc[0])
    bases = np.frombuffer("".join(sequences["sequence"]).encode(), np.uint8).reshape(-1, length)
    kept = length if tokens == 1 else min(tokens, length)
    start = np.clip(sequences["variant_offset"].to_numpy() - kept // 2, 0, length - kept)
    bases = np.take_along_axis(bases, start[:, None] + np.arange(kept), axis=1)
    spelled: Embeddings = (bases[:, :, None] == np.frombuffer(b"ACGT", np.uint8)).astype(np.float16)
    return spelled


def _scores(target: npt.NDArray[np.floating]) -> Scores:
    return np.clip(target.astype(np.float64), 0, 1) * HIGHEST_SCORE
