"""Impact scores of alleles from their reads, and from the reference with the allele in it."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from evoflow.augment.balance import VARIANT
from evoflow.augment.sequences import both_orientations, unique_sequences
from evoflow.devices.claims import claimed_device
from evoflow.dna import ALPHABET
from evoflow.embed.embedder import Embedder
from evoflow.embed.store.parts import room
from evoflow.extract.contexts import Contexts
from evoflow.extract.written_alleles import placed, write_allele
from evoflow.files.htslib import Fasta, quiet
from evoflow.predict.trained import TrainedHead
from evoflow.progress import Phases, silent
from evoflow.settings import ModelSettings
from evoflow.table import ALLELE
from evoflow.train.pairs import Pairs

WRITTEN = "score_in_reference"
"""The score of an allele written into the reference."""

MEMORY = 4 << 30
"""Bytes of embeddings kept in memory; beyond, a scratch file holds them."""

SCORES = ["score", "score_spread", "reads", "log_likelihood_ratio", WRITTEN]


def score_reads(
    trained: TrainedHead,
    reads: pd.DataFrame,
    model: ModelSettings,
    *,
    phases: Phases = silent,
    what: str = "scoring",
    contexts: Contexts | None = None,
) -> pd.DataFrame:
    """Score every read: the same embedding, pairing and head as in training.

    On a GPU that is this process's alone meanwhile: beside a run, it waits until one is free.

    A read that stays aligned with its window as its reverse complement (see `turnable`) is scored
    in both orientations, and has the mean.

    Parameters
    ----------
    trained
        The head.
    reads
        Columns `ALLELE`, `sequence`, `reference_sequence` and `variant_offset`, as in the table of
        examples; every read carries its allele.
    model
        The model that embeds, as `TrainedHead.model_settings` gives it.
    phases, what
        Where loading the model and the sequences done are shown, and what the latter is called.
    contexts
        The reference around the reads, where the head was trained with it.

    Returns
    -------
    DataFrame
        `reads` with `score` (0..10) and `log_likelihood_ratio` (natural logarithm of how many
        times likelier the model finds the read than its reference window, in their context where
        there is one; NaN where the layer gives no likelihood).
    """
    if reads.empty:
        return reads.assign(score=np.nan, log_likelihood_ratio=np.nan)
    carried = reads.assign(carries_alt=True)
    rows = both_orientations(carried, np.arange(len(reads))).assign(carries_alt=True)
    sequences, rows = unique_sequences(carried, rows, trained.embedding, contexts)
    longest = int(sequences["sequence"].str.len().max())
    with claimed_device(model.device) as device:
        model = model.holding(longest).model_copy(update={"device": str(device)})
        embeddings, log_likelihood = _embed(trained, sequences, model, phases, what)
        pairs = Pairs.of(embeddings, rows, pd.Series(0.0, rows.index))
        score = trained.head.predict(pairs, device=model.device)
    ratio = (log_likelihood[pairs.read] - log_likelihood[pairs.window]).mean(axis=1)
    predicted = sequences["sequence"].str.len().to_numpy()[pairs.read[:, 0]] - 1
    return reads.assign(score=score, log_likelihood_ratio=pairs.by_example(ratio * predicted))


def written_into_reference(alleles: pd.DataFrame, reference: str, length: int) -> pd.DataFrame:
    """Write alleles into the reference: what a read without errors and neighbours would be.

    Parameters
    ----------
    alleles
        Columns `contig`, `position`, `ref` and `alt`.
    reference
        FASTA with its index.
    length
        Bases of a sequence.

    Returns
    -------
    DataFrame
        Columns `VARIANT`, `sequence`, `reference_sequence`, `variant_offset`, `reference_start` and
        `reference_end`, each allele once; without those for which there is no room or that lie
        beside a letter that is not a base.
    """
    rows = []
    with quiet(), Fasta(reference) as genome:
        distinct = alleles[VARIANT].drop_duplicates()
        for contig, position, ref, alt in distinct.itertuples(index=False, name=None):
            written = write_allele(genome, contig, position, ref, alt, length=length)
            if written is not None and not set(written[0] + written[1]) - set(ALPHABET):
                rows.append((contig, position, ref, alt, *written))
    columns = [*VARIANT, "sequence", "reference_sequence", "variant_offset"]
    return placed(pd.DataFrame(rows, columns=columns))


def score_alleles(
    alleles: pd.DataFrame, scored: pd.DataFrame, written: pd.DataFrame
) -> pd.DataFrame:
    """Sum up the scores of each allele's reads.

    Parameters
    ----------
    alleles
        One row per allele, with the columns `ALLELE`.
    scored
        What `score_reads` gives for the reads.
    written
        What it gives for `written_into_reference`.

    Returns
    -------
    DataFrame
        `alleles` with `SCORES`: mean and standard deviation (NaN for one read) of the reads'
        scores, the number of reads, their mean log-likelihood ratio, and the score of the allele
        written into the reference. An allele without a read has NaN and 0 but for the last.
    """
    summed = scored.groupby(ALLELE, sort=False).agg(
        score=("score", "mean"),
        score_spread=("score", "std"),
        reads=("score", "size"),
        log_likelihood_ratio=("log_likelihood_ratio", "mean"),
    )
    found = alleles.merge(summed.reset_index(), on=ALLELE, how="left")
    found = found.merge(
        written.rename(columns={"score": WRITTEN})[[*VARIANT, WRITTEN]], on=VARIANT, how="left"
    )
    return found.assign(reads=found["reads"].fillna(0).astype("int64"))


def _embed(
    trained: TrainedHead,
    sequences: pd.DataFrame,
    model: ModelSettings,
    phases: Phases,
    what: str,
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.float32]]:
    """Embed the sequences: embeddings, in memory or in a scratch file, and log-likelihoods."""
    embedder = Embedder.from_settings(model, phases=phases)
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
    with phases(what, "sequences") as advance:
        for done, result in enumerate(stream, start=1):
            (embeddings[result.index],) = result.values  # noqa: PD011 - nothing of pandas
            log_likelihood[result.index] = result.log_likelihood
            advance(done, len(sequences))
    return embeddings, log_likelihood
