"""The cards of the flow's steps: what a person sees of a step in the Metaflow UI."""

import time
from collections.abc import Callable
from typing import Any

import pandas as pd
from metaflow.cards import Markdown, ProgressBar, Table, VegaChart

from evoflow.report import charts

REFRESH_SECONDS = 1.0
"""A card is redrawn at most so often: each refresh writes the card to the datastore."""


def table(frame: pd.DataFrame) -> Table:
    """Every row of a small table; numbers are rounded for reading."""
    rows = [[_readable(value) for value in row] for row in frame.itertuples(index=False)]
    return Table(rows, headers=[str(name).replace("_", " ") for name in frame.columns])


def progress(card: Any, label: str, unit: str) -> Callable[[int, int], None]:
    """Append a progress bar and return what moves it: `advance(done, total)`."""
    bar = ProgressBar(max=1, label=label, unit=unit)
    card.append(bar)
    started = time.monotonic()
    refreshed = started

    def advance(done: int, total: int) -> None:
        nonlocal refreshed
        now = time.monotonic()
        if done < total and now - refreshed < REFRESH_SECONDS:
            return
        refreshed = now
        rate = done / max(now - started, 1e-9)
        remaining = (total - done) / rate if rate else 0.0
        bar._max = total  # noqa: SLF001 - the total is known only once work has begun
        bar.update(done, metadata=f"{rate:,.1f} {unit}/s, {remaining:,.0f} s to go")
        card.refresh()

    return advance


class TrainingCard:
    """The live card of `train`: a progress bar and the curves so far."""

    def __init__(self, card: Any, epochs: int) -> None:
        self._card = card
        self._bar = ProgressBar(max=epochs, label="epochs at most")
        self._history: list[dict[str, float]] = []
        self._chart = VegaChart(charts.learning_curves(_NO_HISTORY))
        card.append(Markdown("# Training of the head"))
        card.append(self._bar)
        card.append(self._chart)
        card.refresh()
        self._refreshed = time.monotonic()

    def epoch_ended(self, epoch: dict[str, float]) -> None:
        """Take one epoch's `epoch`, `training_loss`, `validation_loss`."""
        self._history.append(epoch)
        if time.monotonic() - self._refreshed < REFRESH_SECONDS:
            return
        self._refreshed = time.monotonic()
        self.draw()
        self._card.refresh()

    def draw(self) -> None:
        """Bring the card up to date with the epochs so far."""
        self._bar.update(len(self._history))
        self._chart.update(charts.learning_curves(pd.DataFrame(self._history)))


_NO_HISTORY = pd.DataFrame({"epoch": [0], "training_loss": [None], "validation_loss": [None]})


def _readable(value: Any) -> str:
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:,.3f}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)
