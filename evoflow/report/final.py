"""The report of a run: results first, then what went in, then folded details."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pandas as pd

from evoflow.labels.target import IMPACT
from evoflow.report import assessment, charts, pileup, tallies
from evoflow.report.cards import flat
from evoflow.report.page import Block, Chart, Grid, Notes, Section, Text, page
from evoflow.report.record import RunRecord, about_label, caveats
from evoflow.train.evaluation.names import METRICS, spoken

if TYPE_CHECKING:
    from evoflow.train.evaluation.headline import Headline
    from evoflow.train.evaluation.metrics import Table

Span = tuple[float | None, float | None]

DRAWN: dict[str, tuple[str, Span]] = {
    "spearman": ("Spearman correlation (higher is better)", (-1, 1)),
    "rmse": ("root mean squared error (lower is better)", (0, None)),
    "macro_mae": ("mean absolute error, averaged over scores (lower is better)", (0, None)),
    "auroc_high": ("AUROC of HIGH against the rest (higher is better)", (0, 1)),
    "auroc_pathogenic": ("AUROC of pathogenic against benign (higher is better)", (0, 1)),
}
"""The metrics that are drawn, in this order, and what each can be; all are in the table."""

MEASURED = {
    "spearman": "rank correlation with the true {label}",
    "auroc_pathogenic": "AUROC of pathogenic against benign",
}
"""What a headline's metric says."""

FOREST = "A dot is the value, a line its 95% interval; n is the number of test alleles and loci."
WORST = 20
LOOKED_AT = 5
"""Surprising predictions whose reads are shown."""

MOST_SUBSETS = 16
"""Subsets that are drawn; every individual is one."""


def report(run: RunRecord, examples: pd.DataFrame | None = None) -> str:
    """Write the report as one HTML page.

    Parameters
    ----------
    run
        What is reported.
    examples
        The table of examples; with it, reads of the most surprising predictions are shown.
    """
    models = list(run.metrics["all"])
    few = len(run.predictions) < charts.FEWEST_ROWS
    sections = [
        Section("result", "", list(_result(run, models)), folded=False),
        Section("input", "What went in", list(_input(run)), folded=False),
        Section("metrics", "All metrics, with the baselines", list(_metrics(run, models))),
        Section("errors", "Where the head errs", [] if few else list(_errors(run, models))),
        Section("surprises", "The most surprising predictions", list(_surprises(run, examples))),
        Section("balance", "Balance of the training rows", list(_balance(run))),
        Section("dropped", "What was kept and dropped, and why", list(_dropped(run))),
        Section("learning", "How the head learnt", list(_learning(run))),
        Section("provenance", "What made this run", [_facts(run.provenance)]),
        Section("settings", "Settings", [_facts(run.settings)]),
    ]
    kept = [section for section in sections if section.blocks]
    of = run.target.name if run.target.kind == "column" else f"the {run.target.name}"
    return page(f"How well the head predicts {of} of a variant", _subtitle(run), kept)


def verdict(found: "Headline", label: str) -> str:
    """Say in one sentence, with its figures, how well the head predicts a label."""
    if found.missing:
        return f"{found.verdict[0].upper()}{found.verdict[1:]}."
    beside = ""
    if found.baseline:
        best = spoken(found.baseline)
        beside = f", the best baseline ({best}) {found.best}: {found.verdict}"
    hint = " With so few genes the interval is only a hint." if found.is_hint else ""
    measured = MEASURED[found.metric].format(label=label)
    return (
        f"On {found.counted} ({found.subset}, test split) the head's {measured} is "
        f"{found.head}{beside}.{hint}"
        f"{' ' if found.caveat else ''}{found.caveat}"
    )


def estimates(metrics: "Table") -> pd.DataFrame:
    """Lay out the metrics as rows: `subset`, `model`, `metric`, `value`, `low`, `high`, `n`."""
    rows = [
        (subset, model, metric, *estimate)
        for subset, by_model in metrics.items()
        for model, by_metric in by_model.items()
        for metric, estimate in by_metric.items()
    ]
    names = ["subset", "model", "metric", "value", "low", "high", "n"]
    return pd.DataFrame(rows, columns=names).astype({"value": float, "low": float, "high": float})


def interval(value: float, low: float, high: float) -> str:
    """Write `0.41 [0.35, 0.47]`; a dash where the metric is not defined."""
    if pd.isna(value):
        return "-"
    return f"{value:.2f}" if pd.isna(low) else f"{value:.2f} [{low:.2f}, {high:.2f}]"


def _subtitle(run: RunRecord) -> str:
    people = [person.sample for person in run.settings.data.individuals]
    whose = ", ".join(people[:5]) + (f" and {len(people) - 5:,} more" if len(people) > 5 else "")
    model = run.settings.model
    made = model.checkpoint + (f" at {model.revision}" if model.revision else "")
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    demo = run.settings.data.demo is not None
    return f"{run.name}, {when}; {'simulated demo' if demo else whose}; embedded by {made}"


def _result(run: RunRecord, models: list[str]) -> Iterator[Block]:
    yield Notes([*_few(run), *caveats(run.settings)])
    yield Text(verdict(run.headline, run.target.name), strong=True)
    subset = run.headline.subset
    rows = estimates({subset: run.metrics.get(subset, {})})
    title, span = DRAWN[run.headline.metric]
    drawn = rows[(rows["metric"] == run.headline.metric) & rows["value"].notna()]
    if not drawn.empty and drawn["n"].max() >= charts.FEWEST_ROWS:
        yield Chart(
            charts.forest(drawn, title, models, span),
            f"How well each model ranks the alleles of the test split. {FOREST}",
        )


def _few(run: RunRecord) -> list[str]:
    """Say which impacts training hardly saw, where these are the labels."""
    known = run.target == IMPACT
    return tallies.hardly_trained(run.split_counts, run.balance_counts) if known else []


def _input(run: RunRecord) -> Iterator[Block]:
    yield Text(about_label(run.settings))
    yield Grid(tallies.by_impact(run.split_counts, "split"), "Alleles and reference loci")
    if len(run.split_counts) and run.split_counts["rows"].sum() >= charts.FEWEST_ROWS:
        yield Chart(
            charts.impacts_by_group(run.split_counts, "split"),
            "Impacts on each side of the split. Genomic blocks are assigned whole to one side.",
        )
    yield Notes(list(run.split_notes))


def _metrics(run: RunRecord, models: list[str]) -> Iterator[Block]:
    for sentence in run.comparisons["verdict"]:
        yield Text(sentence)
    yield Notes(tallies.left_out(run.left_out))
    shown = list(run.metrics)[:MOST_SUBSETS]
    rows = estimates({subset: run.metrics[subset] for subset in shown})
    if len(run.metrics) > MOST_SUBSETS:
        left = len(run.metrics) - MOST_SUBSETS
        yield Notes([f"{left:,} further subsets are in the artifact `metrics`."])
    for metric, (title, span) in DRAWN.items():
        drawn = rows[(rows["metric"] == metric) & rows["value"].notna()]
        drawn = drawn[drawn["n"] >= charts.FEWEST_ROWS]
        if not drawn.empty:
            yield Chart(charts.forest(drawn, title, models, span), f"{title}. {FOREST}")
    for subset, by_metric in rows.groupby("subset", sort=False):
        yield Grid(_one_row_a_metric(by_metric), f"{subset} (n = {by_metric['n'].max():,})")
        yield Notes(_reasons(run.undefined.get(str(subset), {})))


def _errors(run: RunRecord, models: list[str]) -> Iterator[Block]:
    ends = run.target.ends
    if ends is None:
        yield Chart(
            charts.scattered(run.predictions, run.target.name),
            "Each dot is a test row at its true score and at the score that the head gives it.",
        )
    else:
        name = "impact score" if run.target == IMPACT else run.target.name
        yield Chart(
            charts.predicted_against_true(run.predictions, ends, name),
            "Each dot is a test row under its true score, at the score that the head gives it; "
            "a black bar is the median.",
        )
    yield Chart(
        charts.calibration(assessment.calibration(run.predictions), ends),
        "Carried alleles in groups of about the same predicted score. On the dashed line the mean "
        "prediction of a group is its mean true score.",
    )
    scaled = [model for model in models if "rmse" in run.metrics["all"][model]]
    yield Chart(
        charts.errors_by_impact(assessment.errors(run.predictions, scaled)),
        "How far predictions are from the true score, for each impact; shorter is better.",
    )
    if run.target != IMPACT:
        return
    yield Chart(
        charts.confusion(assessment.confusion(run.predictions)),
        "Rows of each true impact, by the impact whose score is nearest to the prediction.",
    )


def _surprises(run: RunRecord, examples: pd.DataFrame | None) -> Iterator[Block]:
    if run.predictions.empty:
        return
    yield Grid(assessment.worst(run.predictions, WORST))
    if examples is not None:
        for row in assessment.furthest(run.predictions, LOOKED_AT).to_dict("records"):
            yield from pileup.blocks(examples, row)


def _balance(run: RunRecord) -> Iterator[Block]:
    yield Chart(
        charts.score_shares(run.balance_counts),
        "Training rows of each score before (pale) and after balancing, by where they come from.",
    )
    yield Grid(tallies.by_source(run.balance_counts))


def _dropped(run: RunRecord) -> Iterator[Block]:
    for subject, reasons in tallies.reasons_by_subject(run.extraction).items():
        yield Grid(reasons, subject)


def _learning(run: RunRecord) -> Iterator[Block]:
    if run.layers is not None:
        yield Grid(run.layers, "One head per layer")
        yield Text(tallies.layer_choice(run.layers))
    best = run.best_epoch
    if {"training_loss", "validation_loss"} <= set(run.history):
        losses = ["training_loss", "validation_loss"]
        yield Chart(
            charts.learning_curves(run.history, losses, "mean squared error", best),
            "Error on the training and the validation rows after every epoch; lower is better.",
        )
    if "validation_spearman" in run.history and run.history["validation_spearman"].notna().any():
        yield Chart(
            charts.learning_curves(
                run.history, ["validation_spearman"], "Spearman correlation", best
            ),
            "How well the validation rows are ranked; the weights of the best epoch were kept.",
        )


def _facts(values: object) -> Grid:
    return Grid(pd.DataFrame([*flat(values).items()], columns=["name", "value"]))


def _one_row_a_metric(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a metric, one column a model, each `value [low, high]`."""
    text = [interval(*row) for row in rows[["value", "low", "high"]].itertuples(index=False)]
    named = {"metric": rows["metric"].map(METRICS), "model": rows["model"].map(spoken)}
    wide = rows.assign(text=text, **named).pivot_table(
        index="metric", columns="model", values="text", aggfunc="first", sort=False
    )
    return wide.reset_index()


def _reasons(undefined: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Why metrics are missing, a line for each reason."""
    where: dict[str, tuple[list[str], list[str]]] = {}
    for model, by_metric in undefined.items():
        for metric, why in by_metric.items():
            models, metrics = where.setdefault(why, ([], []))
            models.append(spoken(model))
            metrics.append(METRICS[metric])
    return [
        f"{', '.join(dict.fromkeys(metrics))} of {', '.join(dict.fromkeys(models))}: {why}"
        for why, (models, metrics) in where.items()
    ]
