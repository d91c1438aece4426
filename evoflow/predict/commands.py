"""What `evoflow predict` does: from a head and files to predictions."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from evoflow.demo import prepare
from evoflow.predict.carried_alleles import extract_carried
from evoflow.predict.scoring import score_alleles, score_reads
from evoflow.predict.trained import TrainedHead
from evoflow.predict.variants_file import write_alleles
from evoflow.progress import shown
from evoflow.settings import DataSettings, ModelSettings
from evoflow.table import ALLELE


@dataclass(frozen=True)
class Predictions:
    """Scored alleles.

    Attributes
    ----------
    alleles
        One row an allele: where and what it is, what is known of it, and its scores.
    reference
        FASTA that the alleles refer to.
    dropped
        Records and alleles that were left out.
    """

    alleles: pd.DataFrame
    reference: str
    dropped: int


def predict_individuals(
    trained: TrainedHead,
    data: DataSettings,
    asked: ModelSettings | None = None,
    *,
    processes: int = 0,
) -> Predictions:
    """Score every allele that individuals carry, from their reads.

    Parameters
    ----------
    trained
        The head.
    data
        The individuals; ClinVar only annotates.
    asked
        Where and how fast the model computes; None: on whatever device is present.
    processes
        Processes of the extraction; 0: one a core.

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
    model = trained.model_settings(asked)
    data = prepare(data)
    with shown("finding reads", "parts") as advance:
        alleles, reads = extract_carried(data, processes=processes, progress=advance)
    with shown("scoring", "sequences") as advance:
        scored = score_reads(trained, reads, model, progress=advance)
    return Predictions(score_alleles(alleles, scored, ALLELE), str(data.reference), 0)


def predict_variants(
    trained: TrainedHead, variants: Path, reference: str, asked: ModelSettings | None = None
) -> Predictions:
    """Score every allele of a VCF, written into the reference in place of a read.

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
    alleles, dropped = write_alleles(variants, reference, trained.read_length)
    named = alleles.assign(individual="")
    with shown("scoring", "sequences") as advance:
        scored = score_reads(trained, named, model, progress=advance)
    columns = ["contig", "position", "ref", "alt", "variant_id", "score", "log_likelihood_ratio"]
    return Predictions(scored[columns], reference, dropped)
