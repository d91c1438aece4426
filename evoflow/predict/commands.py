"""What `evoflow predict` does: from a head and files to predictions."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike, fspath

import pandas as pd

from evoflow.augment import visibility
from evoflow.demo import prepare
from evoflow.extract.written_alleles import placed
from evoflow.inputs import inventory
from evoflow.labels.target import IMPACT, Target
from evoflow.predict.carried_alleles import extract_carried
from evoflow.predict.scoring import score_alleles, score_reads, written_into_reference
from evoflow.predict.trained import TrainedHead
from evoflow.predict.variants_file import write_alleles
from evoflow.progress import shown
from evoflow.remote import local_files
from evoflow.settings import DataSettings, ModelSettings


@dataclass(frozen=True)
class Predictions:
    """Scored alleles.

    Attributes
    ----------
    alleles
        One row per allele: where and what it is, what is known of it, and its scores.
    contigs
        Length of each contig of the reference that the alleles refer to, in its order.
    left_out
        How many records or alleles were left out, by reason.
    warnings
        What is odd about the files.
    variants
        The VCF that the alleles are of, on this machine; None where they are individuals'.
    listed
        Columns `record`, `alternate`, `contig` and `KEY`: which allele each ALT of that VCF is.
    target
        What is predicted.
    """

    alleles: pd.DataFrame
    contigs: Mapping[str, int]
    left_out: Counter[str]
    warnings: tuple[str, ...] = ()
    variants: str | None = None
    listed: pd.DataFrame | None = None
    target: Target = IMPACT


def predict_individuals(
    trained: TrainedHead,
    data: DataSettings,
    asked: ModelSettings | None = None,
    *,
    processes: int = 0,
) -> Predictions:
    """Score every allele that individuals carry, from their reads and from the reference.

    Parameters
    ----------
    trained
        The head.
    data
        The individuals; ClinVar only annotates.
    asked
        Where and how fast the model computes; None: on whatever device is present.
    processes
        Processes of the extraction; 0: one per core.

    Returns
    -------
    Predictions
        Columns `ALLELE`, `carried.ANNOTATION` and `scoring.SCORES`.

    Raises
    ------
    InputError
        When the head was trained on other reads or embeddings, or a file is not sound.
    """
    trained.require_read_length(data.read_length)
    trained.require_context(data.context)
    model = trained.model_settings(asked)
    data = prepare(data)
    with shown("finding reads", "parts") as advance:
        carried = extract_carried(data, processes=processes, progress=advance)
    reference = local_files.local_reference(str(data.reference), requester_pays=data.requester_pays)
    written = written_into_reference(carried.alleles, reference, trained.read_length)
    both = pd.concat([carried.reads, written], ignore_index=True)
    contexts = trained.contexts(both, reference)
    scored = score_reads(trained, both, model, phases=shown, contexts=contexts)
    of_reads, of_written = scored.iloc[: len(carried.reads)], scored.iloc[len(carried.reads) :]
    return Predictions(
        score_alleles(carried.alleles, of_reads, of_written),
        inventory.read_genome(reference).lengths,
        carried.left_out,
        (*carried.warnings, *_unseen(trained, both)),
        target=trained.target,
    )


def predict_variants(
    trained: TrainedHead,
    variants: str | PathLike[str],
    reference: str | PathLike[str],
    asked: ModelSettings | None = None,
) -> Predictions:
    """Score every allele of a VCF, written into the reference in place of a read.

    Parameters
    ----------
    trained
        The head.
    variants, reference
        VCF or BCF, and FASTA: paths or URLs.
    asked
        As for `predict_individuals`.

    Returns
    -------
    Predictions
        Columns `contig`, `position`, `ref`, `alt`, `variant_id`, `score` and
        `log_likelihood_ratio`, in the reference's order.

    Raises
    ------
    InputError
        When the head was trained on other embeddings, or a file is not sound.
    """
    model = trained.model_settings(asked)
    variants, reference = fspath(variants), fspath(reference)
    path, fasta = local_files.local_whole(variants), local_files.local_reference(reference)
    with local_files.named({path: variants, fasta: reference}):
        written = write_alleles(path, fasta, trained.read_length)
        genome = inventory.read_genome(fasta)
    named = placed(written.alleles.assign(individual=""))
    contexts = trained.contexts(named, fasta)
    scored = score_reads(trained, named, model, phases=shown, contexts=contexts)
    columns = ["contig", "position", "ref", "alt", "variant_id", "score", "log_likelihood_ratio"]
    return Predictions(
        scored[columns],
        genome.lengths,
        written.left_out,
        tuple(_unseen(trained, named)),
        variants=path,
        listed=written.listed,
        target=trained.target,
    )


def _unseen(trained: TrainedHead, reads: pd.DataFrame) -> list[str]:
    """Say which alleles the head cannot see, be it in their first read."""
    told = reads.assign(individual="", carries_alt=True)  # an allele counts once
    return visibility.notes(told, trained.embedding)
