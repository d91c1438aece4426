"""What the report is made of, and what must be said beside every figure of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Self

import pandas as pd

from evoflow.labels.target import Target, target_of
from evoflow.report.provenance import software
from evoflow.secrets import redact
from evoflow.settings import Settings

if TYPE_CHECKING:
    from evoflow.train.evaluation.headline import Headline
    from evoflow.train.evaluation.metrics import Table

STAND_IN = "evo-tiny"
"""The checkpoint that stands in for Evo where no weights are at hand."""

TRAINED_STAND_IN = "evo-demo"
"""The checkpoint that has learnt the demo's kind of DNA."""


@dataclass(frozen=True)
class RunRecord:
    """One finished run, as the report and the summary read it.

    Attributes
    ----------
    name
        The run's path in Metaflow, such as `EvoFlow/123`.
    settings
        What the run was asked for.
    extraction
        Why each variant and read was kept or dropped: `Extraction.counts`.
    split_counts, balance_counts
        Alleles by split and impact, and training rows by source (see `tallies`).
    split_notes
        What a reader must know of the split and of alleles that the head cannot see (see
        `augment.split.notes` and `augment.visibility.notes`).
    history
        One row per epoch, with the columns of `train.fit.Epoch`.
    best_epoch
        The epoch, 1-based, whose weights were kept.
    metrics, undefined
        Metrics of every model on every subset of the test split, and why some are missing.
    comparisons
        The head beside each baseline, in numbers and words.
    headline
        The one result that stands for the run.
    predictions
        Test rows of the table of examples with a column of predicted scores for each model.
    provenance
        Checkpoint, versions, device and commit, ready to be shown.
    layers
        The heads of several layers side by side (see `train.layers.side_by_side`).
    left_out
        Baselines that could not be computed, each with the reason.
    """

    name: str
    settings: Settings
    extraction: pd.DataFrame
    split_counts: pd.DataFrame
    balance_counts: pd.DataFrame
    split_notes: Sequence[str]
    history: pd.DataFrame
    best_epoch: int
    metrics: "Table"
    undefined: Mapping[str, Mapping[str, Mapping[str, str]]]
    comparisons: pd.DataFrame
    headline: "Headline"
    predictions: pd.DataFrame
    provenance: Mapping[str, object]
    layers: pd.DataFrame | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, artifacts: object, name: str) -> Self:
        """Take what has an artifact of its name, and name the software that runs now."""
        found = {
            each.name: getattr(artifacts, each.name) for each in fields(cls) if each.name != "name"
        }
        made_by = {**found.pop("provenance"), "software": software()}
        return cls(name=name, provenance=made_by, **found)

    @property
    def target(self) -> Target:
        """What the head learnt."""
        return target_of(self.settings.model.target)


def about_label(settings: Settings) -> str:
    """Say in a few sentences what the label is, and what it is not."""
    target = settings.model.target
    if target.pathogenicity is not None:
        stars = target.pathogenicity.min_stars
        many = f"{stars} {'star' if stars == 1 else 'stars'}"
        return (
            f"The label is ClinVar's germline classification with {many} or more: pathogenic or "
            "likely so 1, benign or likely so 0. Alleles of any other classification, and reads "
            "without an allele, are left out. ClinVar classifies partly by consequence, so the "
            "head is judged within one."
        )
    if target.column is not None:
        return (
            f"The label is {target.column.name} of {redact(target.column.file)}. Alleles without a "
            "value, and reads without an allele, are left out."
        )
    return (
        "The label is the class of an allele's most severe consequence in ClinVar: HIGH 10, "
        "MODERATE 5, LOW 2, MODIFIER 1, and 0 for reads that show the reference. Annotation gives "
        "it exactly; it is no measure of harm."
    )


def caveats(settings: Settings) -> list[str]:
    """Where simulated data or random weights stand in for the real ones, one sentence each."""
    found = []
    if settings.data.demo is not None:
        found.append("The data are a simulated demo: the results say nothing about people.")
    if settings.model.checkpoint == STAND_IN:
        found.append(
            f"{STAND_IN} is a stand-in for Evo with random weights: it has learnt nothing."
        )
    if settings.model.checkpoint == TRAINED_STAND_IN and settings.data.demo is None:
        found.append(
            f"{TRAINED_STAND_IN} was trained on simulated genomes alone: it has not seen real DNA."
        )
    return found
