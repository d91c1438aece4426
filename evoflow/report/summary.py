"""The summary of a run: what the terminal shows at its end, on one screen."""

from collections.abc import Iterator
from textwrap import wrap
from typing import TYPE_CHECKING

from evoflow.augment.leaks import SIDES
from evoflow.labels.target import IMPACT
from evoflow.report.record import RunRecord, caveats
from evoflow.report.tallies import SPLITS, STAGES, hardly_trained, learnt_from
from evoflow.train.evaluation.names import spoken
from evoflow.train.evaluation.subsets import WITHIN

if TYPE_CHECKING:
    from evoflow.train.evaluation.headline import Headline
    from evoflow.train.evaluation.metrics import Estimate

WIDTH = 78
INDENT = " " * 11
MOST_NOTES = 2
"""Of the split, that fit the screen; the report has all."""

SHOWN = {
    "impact": {"spearman": "Spearman", "rmse": "RMSE", "mae": "MAE"},
    "pathogenicity": {"auroc_pathogenic": "AUROC", "auprc_pathogenic": "AUPRC", "rmse": "RMSE"},
    "column": {"spearman": "Spearman", "rmse": "RMSE", "mae": "MAE"},
}
"""Metrics by the kind of the target."""


def summary(run: RunRecord) -> str:
    """Sum up a run in at most 24 lines of at most 80 characters."""
    return "\n".join(_lines(run))


def _lines(run: RunRecord) -> Iterator[str]:
    splits = run.split_counts.groupby("split")["rows"].sum()
    rows = run.balance_counts.groupby("stage")["rows"].sum()
    yield "=" * WIDTH
    yield f"{run.name} with {run.settings.model.checkpoint}"
    if run.target == IMPACT:
        for caveat in hardly_trained(run.split_counts, run.balance_counts):
            yield from wrap(f"! {caveat}", WIDTH, subsequent_indent="  ")
    for caveat in caveats(run.settings):
        yield f"! {caveat}"
    for note in run.split_notes[:MOST_NOTES]:
        yield from wrap(f"! {note}", WIDTH, subsequent_indent="  ")
    yield f"examples   {learnt_from(run.split_counts)}"
    sides = ", ".join(f"{splits.get(side, 0):,} {side}" for side in SIDES)
    if not splits.index.isin(SPLITS).all():
        sides = f"{len(splits)} folds, every example tested once"
    yield f"split      {sides}; {rows[STAGES[1]]:,} training rows"
    yield from _headline(run.headline)
    other = run.comparisons[run.comparisons["subset"] != run.headline.subset]
    for verdict in other["verdict"]:
        yield from wrap(verdict, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)
    by_model, shown = run.metrics.get(run.headline.subset, {}), SHOWN[run.target.kind]
    if by_model:
        yield ""
        title = run.headline.subset.removeprefix(WITHIN)[:18]
        yield f"{title:<18}" + "".join(f"{name:>20}" for name in shown.values())
    for model, by_metric in by_model.items():
        yield f"{spoken(model)[:18]:<18}" + "".join(f"{_cell(by_metric.get(m)):>20}" for m in shown)
    yield ""
    yield f"report  evoflow report {run.name} --output report.html"
    yield "=" * WIDTH


def _headline(found: "Headline") -> Iterator[str]:
    """Say how well the head ranks carried alleles beside the best baseline, in four lines."""
    yield ""
    yield f"result     {found.verdict}"
    if found.missing:
        return
    yield f"{INDENT}{found.subset}, {found.measure}: head {found.head}"
    if found.baseline:
        yield f"{INDENT}{spoken(found.baseline)} {found.best}, difference {found.difference}"
    hint = ": the interval is only a hint" if found.is_hint else ""
    yield from wrap(
        f"{found.counted}{hint}", WIDTH, initial_indent=INDENT, subsequent_indent=INDENT
    )
    yield from wrap(found.caveat, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)


def _cell(estimate: "Estimate | None") -> str:
    if estimate is None or estimate[0] is None:
        return "-"
    value, low, high, _ = estimate
    return f"{value:.2f}" if low is None else f"{value:.2f} [{low:.2f}, {high:.2f}]"
