"""The cards of the flow's steps: what a person sees of a step in the Metaflow UI.

Those with charts are in `charts.cards`: what draws them takes long to import.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pandas as pd
from metaflow.cards import Markdown, ProgressBar, Table

from evoflow.progress import Advance, Meter, Phases, RefreshSchedule, duration, shown
from evoflow.report.record import caveats
from evoflow.secrets import redact
from evoflow.settings import Settings

if TYPE_CHECKING:
    from evoflow.embed.shard import EmbeddedShard
    from evoflow.inputs.preflight import Inputs

MOST_ROWS = 200


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


def sentences(card: Any, title: str, texts: Iterable[str]) -> None:
    """Append sentences under a title; nothing where there are none.

    They are cells, which show text as it is. Metaflow's Markdown acts on what stands in names, and
    drops what is escaped with a backslash.
    """
    rows = [[redact(text)] for text in texts]
    if rows:
        card.append(Table(rows, headers=[title]))


def note(card: Any, texts: Iterable[str]) -> None:
    """Append what must not be overlooked."""
    sentences(card, "Note", texts)


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
        if meter.total:
            draw()
        else:  # nothing was counted: the whole is done
            bar.update(1, metadata=f"took {duration(time.monotonic() - meter.started)}")

    return phase
