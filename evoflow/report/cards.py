"""The cards of the flow's steps: what a person sees of a step in the Metaflow UI."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pandas as pd
from metaflow.cards import Markdown, ProgressBar, Table, VegaChart

from evoflow.progress import Advance, Meter, Phases, RefreshSchedule, shown
from evoflow.report import charts, tallies
from evoflow.report.plain import plain
from evoflow.report.record import caveats
from evoflow.secrets import redact
from evoflow.settings import Settings

if TYPE_CHECKING:
    from evoflow.embed.shard import EmbeddedShard
    from evoflow.extract.examples import Extraction
    from evoflow.inputs.preflight import Inputs
    from evoflow.train.fit import Epoch
    from evoflow.train.learning import Learning

MOST_ROWS = 200
MOST_BARS = 30
ALLELES = "alleles and reference loci"


def table(frame: pd.DataFrame) -> Table:
    """Show a table's first rows; numbers are rounded for reading."""
    shown = frame.head(MOST_ROWS).itertuples(index=False)
    rows = [[_readable(value) for value in row] for row in shown]
    if len(frame) > MOST_ROWS:
        rows.append([f"and {len(frame) - MOST_ROWS:,} more", *[""] * (frame.shape[1] - 1)])
    return Table(rows, headers=[str(name).replace("_", " ") for name in frame.columns])


def facts(values: Mapping[str, object]) -> Table:
    """Names beside their values."""
    return Table([[redact(name), _readable(value)] for name, value in values.items()])


def note(card: Any, texts: Iterable[str]) -> None:
    """Append what must not be overlooked; nothing where there is nothing."""
    lines = [f"> **Note.** {plain(text)}" for text in texts]
    if lines:
        card.append(Markdown("\n>\n".join(lines)))


def show_inputs(card: Any, settings: Settings, inputs: "Inputs", notes: Sequence[str] = ()) -> None:
    """Card of `start`: the files and contigs that were found, and the settings."""
    card.append(Markdown("# Inputs"))
    note(card, [*caveats(settings), *inputs.warnings, *notes])
    card.append(table(inputs.files))
    build = f" ({inputs.genome_build})" if inputs.genome_build else ""
    card.append(Markdown(f"## Contigs in common{build}"))
    card.append(table(inputs.contigs))
    card.append(Markdown("## Settings"))
    card.append(facts(flat(settings)))


def show_extraction(card: Any, extraction: "Extraction") -> None:
    """Card of `extract`: what was kept, what was dropped and why."""
    card.append(Markdown("# Examples by individual"))
    examples = extraction.examples
    people = examples["individual"].nunique()
    if people > MOST_BARS:
        examples = examples.assign(individual=f"{people:,} individuals")
    counts = tallies.impact_counts(examples, "individual")
    card.append(VegaChart(charts.impacts_by_group(counts, "individual", ALLELES)))
    card.append(table(tallies.by_impact(counts, "individual")))
    show_reasons(card, extraction.counts)


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
    show_splits(card, tallies.impact_counts(examples, "split"), notes)
    show_balance(card, tallies.balance_counts(examples, training_rows))
    card.append(Markdown(f"{size} are embedded in {len(shards):,} shards."))


def show_reasons(card: Any, counts: pd.DataFrame) -> None:
    """Tables of why variants and reads were kept or dropped."""
    card.append(Markdown("## Kept and dropped"))
    for subject, reasons in tallies.reasons_by_subject(counts).items():
        card.append(Markdown(f"### {plain(subject)}"))
        card.append(table(reasons))


def show_splits(card: Any, split_counts: pd.DataFrame, notes: Sequence[str]) -> None:
    """Alleles of each impact on each side, and what a reader must know of the split."""
    card.append(VegaChart(charts.impacts_by_group(split_counts, "split", ALLELES)))
    card.append(table(tallies.by_impact(split_counts, "split")))
    note(card, notes)


def show_balance(card: Any, balance_counts: pd.DataFrame) -> None:
    """Training rows of each score before and after balancing, by where they come from."""
    card.append(Markdown("## Balance of the training rows"))
    card.append(VegaChart(charts.score_shares(balance_counts)))
    card.append(Markdown("Pale bars show the rows before balancing, solid bars after it."))
    card.append(table(tallies.by_source(balance_counts)))


def show_embedding(card: Any, embedded: "EmbeddedShard") -> None:
    """Card of `embed`, below its progress: what it took and what made the embeddings."""
    took = {
        name.replace("_", " "): f"{value:.1%}" if name == "padding_waste" else value
        for name, value in flat(asdict(embedded.report)).items()
    }
    speed = {"sequences per second": embedded.report.sequences_per_second}
    card.append(Markdown("# Embedded"))
    stored = embedded.embeddings
    layers = stored if isinstance(stored, Mapping) else {embedded.provenance.layer: stored}
    sizes = {
        f"stored of layer {layer}": (
            f"{' x '.join(map(str, one.shape))}, {one.dtype.name}, {one.nbytes / 1e6:,.1f} MB "
            f"in {one.num_parts:,} parts"
        )
        for layer, one in layers.items()
    }
    card.append(facts({**took, **speed, **sizes}))
    card.append(Markdown("## What made these embeddings"))
    card.append(facts(flat(asdict(embedded.provenance))))


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
    show_layers(card, learning.layers)
    show_verdicts(card, learning.comparisons)
    show_left_out(card, learning.left_out)


def show_layers(card: Any, layers: pd.DataFrame | None) -> None:
    """Compare the heads of several layers; nothing where there is one."""
    if layers is not None:
        card.append(Markdown("## One head per layer"))
        card.append(table(layers))
        note(card, [tallies.LAYER_CHOICE])


def show_left_out(card: Any, left_out: Mapping[str, str]) -> None:
    """Say which baselines are missing, and why."""
    note(card, tallies.left_out(left_out))


def show_verdicts(card: Any, comparisons: pd.DataFrame) -> None:
    """List in words whether the head beats each baseline."""
    card.append(Markdown("\n".join(f"- {plain(verdict)}" for verdict in comparisons["verdict"])))


def flat(value: Any, prefix: str = "") -> dict[str, object]:
    """List the leaves of nested settings, each under its dotted key."""
    if hasattr(value, "model_dump"):
        value = value.model_dump(exclude_none=True)
    if isinstance(value, Mapping):
        items: Iterable[tuple[Any, Any]] = value.items()
    elif isinstance(value, list | tuple) and any(not isinstance(v, str | int) for v in value):
        items = enumerate(value)
    else:
        return {} if value in (None, [], ()) else {prefix: value}
    leaves: dict[str, object] = {}
    for key, child in items:
        leaves |= flat(child, f"{prefix}.{key}" if prefix else str(key))
    return leaves


def _readable(value: Any) -> str:
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:,.3f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return redact(", ".join(map(str, value)))
    return redact(str(value))


def phases(card: Any, redraw: Callable[[], None] = lambda: None) -> Phases:
    """Show every phase as a bar on a card, and as lines in the log.

    Parameters
    ----------
    card
        `current.card` of the step.
    redraw
        Brings what else the card shows up to date; called before each refresh.
    """
    schedule = RefreshSchedule()

    @contextmanager
    def phase(what: str, unit: str) -> Iterator[Advance]:
        bar = ProgressBar(max=1, label=what, unit=unit)
        card.append(bar)
        meter = Meter(what, unit)

        def draw() -> None:
            bar._max = max(meter.total, 1)  # noqa: SLF001 - known only once work has begun
            bar.update(meter.done, metadata=meter.pace())

        def refresh_if_due() -> None:
            if schedule.is_due(meter.seconds_left()):
                draw()
                redraw()
                card.refresh()

        def advance(done: int, total: int) -> None:
            meter.advance(done, total)
            log(done, total)
            refresh_if_due()

        refresh_if_due()
        with shown(what, unit) as log:
            yield advance
        draw()

    return phase


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
