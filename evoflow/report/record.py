"""What the report is made of, and what must be said beside every figure of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from evoflow.settings import Settings

Estimate = tuple[float | None, float | None, float | None, int]
"""A metric's value, the ends of its 95% interval, and the rows behind it."""

Metrics = Mapping[str, Mapping[str, Mapping[str, Estimate]]]
"""`metrics[subset][model][name]`."""


@dataclass(frozen=True)
class RunRecord:
    """One finished run, as the report and the summary read it.

    Attributes
    ----------
    settings
        What the run was asked for.
    extraction
        Why each variant and read was kept or dropped: `Extraction.counts`.
    split_counts, balance_counts
        Alleles by split and impact, and training rows by source (see `tallies`).
    split_notes
        What a reader must know of the split (see `augment.split.notes`).
    history
        One row an epoch: `epoch`, `training_loss`, `validation_loss`.
    metrics
        `metrics[subset][model][name]` on the test split; the head is the model `head`.
    predictions
        The test rows of `examples` with one column of predicted scores (0..10) for each model.
    provenance
        Checkpoint, versions, device and commit, ready to be shown.
    """

    settings: Settings
    extraction: pd.DataFrame
    split_counts: pd.DataFrame
    balance_counts: pd.DataFrame
    split_notes: Sequence[str]
    history: pd.DataFrame
    metrics: Metrics
    predictions: pd.DataFrame
    provenance: Mapping[str, object]


def caveats(settings: Settings) -> list[str]:
    """Where simulated data or random weights stand in for the real ones, one sentence each."""
    found = []
    if settings.data.demo is not None:
        found.append("The data are a simulated demo: nothing here is true of people.")
    if settings.model.checkpoint == "evo-tiny":
        found.append("evo-tiny is a stand-in for Evo with random weights: it has learnt nothing.")
    return found
