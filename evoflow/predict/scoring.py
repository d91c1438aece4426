"""Impact scores of alleles from their reads, or from the reference with the allele in it."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from evoflow.augment.sequences import unique_sequences
from evoflow.embed.embedder import Embedder
from evoflow.embed.store.parts import room
from evoflow.predict.trained import TrainedHead
from evoflow.settings import ModelSettings

MEMORY = 4 << 30
"""Bytes of embeddings kept in memory; beyond, a scratch file holds them."""

SCORES = ["score", "score_spread", "reads", "log_likelihood_ratio"]


def score_reads(
    trained: TrainedHead,
    reads: pd.DataFrame,
    model: ModelSettings,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Score every read: the same embedding, pairing and head as in training.

    Parameters
    ----------
    trained
        The head.
    reads
        Columns `ALLELE`, `sequence`, `reference_sequence` and `variant_offset`, as in the table of
        examples; every read carries its allele.
    model
        The model that embeds, as `TrainedHead.model_settings` gives it.
    progress
        Called with the number of sequences done and in all.

    Returns
    -------
    DataFrame
        `reads` with `score` (0..10) and `log_likelihood_ratio` (natural logarithm of how many
        times likelier the model finds the read than its reference window; NaN where the layer
        gives no likelihood).
    """
    if reads.empty:
        return reads.assign(score=np.nan, log_likelihood_ratio=np.nan)
    rows = pd.DataFrame({"example": np.arange(len(reads)), "reverse_complement": False})
    sequences, rows = unique_sequences(reads.assign(split="train", carries_alt=True), rows)
    embeddings, log_likelihood = _embed(trained, sequences, model, progress)
    read, window = (rows[name].to_numpy(dtype=np.int64) for name in ("read", "window"))
    ratio = (log_likelihood[read] - log_likelihood[window]) * (trained.read_length - 1)
    return reads.assign(
        score=trained.head.predict(embeddings, read, window, device=model.device),
        log_likelihood_ratio=ratio.astype(np.float64),
    )


def score_alleles(alleles: pd.DataFrame, scored: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Sum up the scores of each allele's reads.

    Parameters
    ----------
    alleles
        One row an allele, with the columns `key`.
    scored
        What `score_reads` gives.
    key
        Columns that identify an allele in both.

    Returns
    -------
    DataFrame
        `alleles` with `SCORES`: mean and standard deviation (NaN for one read) of the reads'
        scores, the number of reads, and their mean log-likelihood ratio. An allele without a read
        has NaN and 0.
    """
    summed = scored.groupby(key, sort=False).agg(
        score=("score", "mean"),
        score_spread=("score", "std"),
        reads=("score", "size"),
        log_likelihood_ratio=("log_likelihood_ratio", "mean"),
    )
    found = alleles.merge(summed.reset_index(), on=key, how="left")
    return found.assign(reads=found["reads"].fillna(0).astype("int64"))


def _embed(
    trained: TrainedHead,
    sequences: pd.DataFrame,
    model: ModelSettings,
    progress: Callable[[int, int], None] | None,
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.float32]]:
    """Embed the sequences: embeddings, in memory or in a scratch file, and log-likelihoods."""
    embedder = Embedder.from_settings(model)
    trained.require_model(embedder.provenance, embedder.width(trained.embedding.layer))
    wish = trained.embedding
    stream = embedder.stream(
        sequences["sequence"].tolist(),
        layers=[wish.layer],
        tokens=wish.tokens,
        offsets=sequences["variant_offset"].tolist(),
        stored_dtype=wish.stored_dtype,
    )
    tokens = max(span.num_tokens for span in stream.spans)
    shape = (len(sequences), tokens, embedder.width(wish.layer))
    embeddings = room(shape, np.dtype(wish.stored_dtype), MEMORY)
    log_likelihood = np.empty(len(sequences), dtype=np.float32)
    for done, result in enumerate(stream, start=1):
        (embeddings[result.index],) = result.values  # noqa: PD011 - nothing of pandas
        log_likelihood[result.index] = result.log_likelihood
        if progress is not None:
            progress(done, len(sequences))
    return embeddings, log_likelihood
