"""The cards of the steps that show charts: `extract`, `augment` and `train`."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pandas as pd
from metaflow.cards import Markdown, VegaChart

from evoflow.report import charts, tallies
from evoflow.report.cards import facts, note, phases, sentences, table

if TYPE_CHECKING:
    from evoflow.extract.examples import Extraction
    from evoflow.train.fit import Epoch
    from evoflow.train.learning import Learning

MOST_BARS = 30


def show_extraction(card: Any, extraction: "Extraction") -> None:
    """Card of `extract`: what was kept, what was dropped and why."""
    card.append(Markdown("# Examples by individual"))
    examples = extraction.examples
    people = examples["individual"].nunique()
    if people > MOST_BARS:
        examples = examples.assign(individual=f"{people:,} individuals")
    counts = tallies.impact_counts(examples, "individual")
    card.append(VegaChart(charts.impacts_by_group(counts, "individual")))
    card.append(table(tallies.by_impact(counts, "individual")))
    card.append(Markdown("## Kept and dropped"))
    for subject, reasons in tallies.reasons_by_subject(extraction.counts).items():
        card.append(table(reasons.rename(columns={"reason": subject})))


def show_augmentation(
    card: Any,
    examples: pd.DataFrame,
    training_rows: pd.DataFrame,
    shards: Sequence[Any],
    *,
    notes: Sequence[str],
    size: str,
) -> None:
    """Card of `augment`: the splits, the balance before and after, notes, what is embedded."""
    card.append(Markdown("# Splits"))
    split = tallies.impact_counts(examples, "split")
    card.append(VegaChart(charts.impacts_by_group(split, "split")))
    card.append(table(tallies.by_impact(split, "split")))
    note(card, notes)
    balance = tallies.balance_counts(examples, training_rows)
    card.append(Markdown("## Balance of the training rows"))
    card.append(VegaChart(charts.score_shares(balance)))
    card.append(Markdown("Pale bars show the rows before balancing, solid bars after it."))
    card.append(table(tallies.by_source(balance)))
    card.append(Markdown(f"{size} are embedded in {len(shards):,} shards."))


def show_learning(card: Any, learning: "Learning") -> None:
    """Card of `train`, below its curves: which epoch was kept, where, and what came of it."""
    fit = learning.fit
    best = fit.history.set_index("epoch").loc[fit.best_epoch]
    card.append(
        facts(
            {
                "best epoch": fit.best_epoch,
                "its validation Spearman": best["validation_spearman"],
                "seconds": fit.history["seconds"].sum(),
                "device": fit.device,
            }
        )
    )
    if learning.layers is not None:
        card.append(Markdown("## One head per layer"))
        card.append(table(learning.layers))
        note(card, [tallies.layer_choice(learning.layers)])
    sentences(card, "The head and the baselines", learning.comparisons["verdict"])
    note(card, tallies.left_out(learning.left_out))


class TrainingCard:
    """The live curves on the card of `train`.

    Parameters
    ----------
    card
        `current.card` of the step.

    Attributes
    ----------
    phases
        Shows the phases of training beside the curves.
    """

    def __init__(self, card: Any) -> None:
        self._card = card
        self._history: list[dict[str, Any]] = []
        self._charts: list[VegaChart] = []
        self.phases = phases(card, self.draw)
        card.append(Markdown("# Training of the head"))

    def epoch_ended(self, epoch: "Epoch") -> None:
        """Take one epoch; it is drawn when the card is refreshed."""
        self._history.append(asdict(epoch))

    def draw(self) -> None:
        """Bring the curves up to date with the epochs so far."""
        drawn = learning_charts(pd.DataFrame(self._history))
        for chart, specification in zip(self._charts, drawn, strict=False):
            chart.update(specification)
        for specification in drawn[len(self._charts) :]:
            self._charts.append(VegaChart(specification))
            self._card.append(self._charts[-1])


def learning_charts(history: pd.DataFrame) -> list[charts.Spec]:
    """Losses by epoch and, where it was computed, the validation's rank correlation."""
    losses = [name for name in ("training_loss", "validation_loss") if name in history]
    drawn = [charts.learning_curves(history, losses, "mean squared error")] if losses else []
    if "validation_spearman" in history:
        drawn.append(
            charts.learning_curves(history, ["validation_spearman"], "Spearman correlation")
        )
    return drawn
