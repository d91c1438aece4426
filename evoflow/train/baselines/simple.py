"""What a head must beat: models that need no language model, or only its likelihoods.

Each learns from the head's own training rows and returns a function from a table of examples to
predicted scores, which are then calibrated as the head's are.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from evoflow.labels.target import LABEL
from evoflow.train.pairs import Embeddings, Pairs

Floats = npt.NDArray[np.float64]

Predict = Callable[[pd.DataFrame], Floats]
"""From examples to their predicted scores, shape=(n,)."""

REFERENCE = "reference"


def training_mean(examples: pd.DataFrame) -> Predict:
    """Predict the mean of the training's carried alleles for everything.

    Parameters
    ----------
    examples
        The own read of every training allele: the mean is that of the alleles as they occur.
    """
    carried = examples[examples["carries_alt"].astype(bool)]
    mean = float((carried if len(carried) else examples)[LABEL].mean())
    return lambda table: np.full(len(table), mean)


def carrier_bit(examples: pd.DataFrame) -> Predict:
    """Predict one mean for reads that carry their allele, another for those that do not.

    Parameters
    ----------
    examples
        As in `training_mean`.
    """
    overall = examples[LABEL].mean()
    means = examples.groupby("carries_alt")[LABEL].mean()
    return lambda table: _looked_up(table["carries_alt"], means, overall)


def consequence_lookup(examples: pd.DataFrame) -> Predict:
    """Predict the mean label of the training's alleles with the same consequence.

    Where training has none of that consequence, the mean of its impact counts. This is what
    annotation alone gives, and constant within a consequence.

    Parameters
    ----------
    examples
        As in `training_mean`.
    """
    overall = examples[LABEL].mean()
    means = examples.groupby("consequence")[LABEL].mean()
    of_impact = examples.groupby("impact")[LABEL].mean()

    def predict(table: pd.DataFrame) -> Floats:
        found = table["consequence"].map(means)
        found = found.fillna(table["impact"].map(of_impact)).fillna(overall)
        return found.to_numpy(dtype=np.float64)

    return predict


def allele_type(examples: pd.DataFrame, weight: npt.NDArray[np.floating]) -> Predict:
    """Predict the training's weighted mean of each type of allele (see `types`).

    Parameters
    ----------
    examples
        Of the training rows.
    weight
        Of each training row.
    """
    kinds = types(examples)
    score = examples[LABEL].to_numpy(dtype=np.float64)
    summed = pd.DataFrame({"score": weight * score, "weight": weight}).groupby(kinds.to_numpy())
    means = summed["score"].sum() / summed["weight"].sum()
    overall = float(np.average(score, weights=weight))
    return lambda table: _looked_up(types(table), means, overall)


def types(examples: pd.DataFrame) -> pd.Series:
    """Name the type of each carried allele: SNV, insertion, deletion, and whether it shifts.

    An insertion or deletion shifts the reading frame where its length is no multiple of three.
    What keeps its length and is no SNV is a substitution; a read without its allele is reference.
    """
    change = examples["alt"].str.len() - examples["ref"].str.len()
    names = np.select(
        [change > 0, change < 0, examples["ref"].str.len() == 1],
        ["insertion", "deletion", "SNV"],
        "substitution",
    )
    shifts = np.where(change % 3 == 0, "", ", shifts the frame")
    carried = examples["carries_alt"].astype(bool)
    return pd.Series(np.char.add(names, shifts), examples.index).where(carried, REFERENCE)


def likelihood_ratio(
    log_likelihood: npt.NDArray[np.floating], training: Pairs
) -> Callable[[Pairs], Floats]:
    """Regress the score on how much less likely than its window the model finds the read.

    One number a row, the mean over the strands that are embedded, brought to the scale of scores
    by a line through the training rows, so that its errors can be compared too.

    Parameters
    ----------
    log_likelihood
        Mean log-likelihood of every sequence's tokens, shape=(sequences,).
    training
        Rows.

    Returns
    -------
    Callable
        From rows to the predicted scores of their examples, in the order of `Pairs.examples`.
    """
    from sklearn.linear_model import LinearRegression

    def ratio(pairs: Pairs) -> Floats:
        found = log_likelihood[pairs.window] - log_likelihood[pairs.read]
        return np.asarray(found.astype(np.float64).mean(axis=1)[:, None])

    line = LinearRegression().fit(ratio(training), training.target, training.weight)
    return lambda pairs: pairs.by_example(line.predict(ratio(pairs)))


def one_hot(sequences: pd.DataFrame, tokens: int) -> Embeddings:
    """Spell out sequences as an embedding of four channels: A, C, G, T; an N has none.

    Parameters
    ----------
    sequences
        Columns `sequence` and `variant_offset`.
    tokens
        Bases around the allele, as the embedding has them; all where it holds one token, which
        has seen more bases than its own.

    Returns
    -------
    ndarray
        Shape=(sequences, bases, 4), float16.
    """
    lengths = sequences["sequence"].str.len().to_numpy()
    kept = int(lengths.min() if tokens == 1 else min(tokens, lengths.min()))
    start = np.clip(sequences["variant_offset"].to_numpy() - kept // 2, 0, lengths - kept)
    pairs = zip(sequences["sequence"], start, strict=True)
    text = "".join(sequence[at : at + kept] for sequence, at in pairs)
    bases = np.frombuffer(text.encode(), np.uint8).reshape(-1, kept)
    spelled: Embeddings = (bases[:, :, None] == np.frombuffer(b"ACGT", np.uint8)).astype(np.float16)
    return spelled


def _looked_up(keys: pd.Series, means: pd.Series, otherwise: float) -> Floats:
    return np.asarray(keys.map(means).fillna(otherwise), dtype=np.float64)
