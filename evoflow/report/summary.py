"""The summary of a run: what the terminal shows at its end, on one screen."""

from collections.abc import Iterator

from evoflow.report.record import Estimate, RunRecord, caveats
from evoflow.report.tallies import STAGES

WIDTH = 78
SHOWN = {"spearman": "Spearman", "rmse": "RMSE", "mae": "MAE"}
SUBSETS = ["all", "carriers"]


def summary(run: RunRecord) -> str:
    """At most 24 lines of at most 80 characters."""
    return "\n".join(_lines(run))


def _lines(run: RunRecord) -> Iterator[str]:
    alleles = run.split_counts["rows"].sum()
    loci = run.split_counts.loc[run.split_counts["impact"] == "NONE", "rows"].sum()
    splits = run.split_counts.groupby("split")["rows"].sum()
    rows = run.balance_counts.groupby("stage")["rows"].sum()
    yield "=" * WIDTH
    yield f"evoflow · {run.settings.model.checkpoint}"
    for caveat in caveats(run.settings):
        yield f"! {caveat}"
    yield (f"examples   {alleles - loci:,} variants that are carried, {loci:,} reference loci")
    sides = ", ".join(f"{splits.get(side, 0):,} {side}" for side in ("train", "validation", "test"))
    yield f"split      {sides}; {rows[STAGES[1]]:,} training rows"
    for subset in SUBSETS:
        by_model = run.metrics.get(subset, {})
        if by_model:
            yield ""
            yield f"{f'test, {subset}':<18}" + "".join(f"{name:>20}" for name in SHOWN.values())
        for model, by_metric in list(by_model.items())[:5]:
            yield f"  {model[:16]:<16}" + "".join(f"{_cell(by_metric.get(m)):>20}" for m in SHOWN)
    yield "=" * WIDTH


def _cell(estimate: Estimate | None) -> str:
    if estimate is None or estimate[0] is None or estimate[0] != estimate[0]:
        return "-"
    value, low, high, _ = estimate
    return f"{value:.2f}" if low is None else f"{value:.2f} [{low:.2f}, {high:.2f}]"
