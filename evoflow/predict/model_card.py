"""The model card of an exported head: README.md with the metadata that Hugging Face reads."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

from evoflow import __version__
from evoflow.labels.target import Target, target_of
from evoflow.report.record import STAND_IN, TRAINED_STAND_IN, about_label, caveats
from evoflow.report.tallies import by_impact, learnt_from
from evoflow.secrets import redact
from evoflow.settings import Settings
from evoflow.train.evaluation.names import METRICS, spoken

if TYPE_CHECKING:
    from evoflow.predict.trained import TrainedHead
    from evoflow.train.evaluation.headline import Headline
    from evoflow.train.evaluation.metrics import Table

SHOWN = [
    "spearman", "pearson", "rmse", "mae", "macro_mae",
    "auroc_high", "auroc_pathogenic", "auprc_pathogenic",
]  # fmt: skip
"""Metrics of the card, where the target has them."""

_PREDICTS = {
    "impact": "the impact of a DNA variant, from 0 (none) to 10 (high),",
    "pathogenicity": "how probable it is that a DNA variant is pathogenic, from 0 to 1,",
}
_LIMITS = {
    "impact": (
        "The labels are computed consequences, not effects that were observed in people. A benign "
        "variant\n  of high impact, or a pathogenic one of low impact, is predicted wrongly by "
        "design."
    ),
    "pathogenicity": (
        "The labels are what submitters to ClinVar concluded, partly from the consequence and from "
        "computed\n  scores. Variants of uncertain significance, which one would want to predict, "
        "are not among\n  them, and far more of the alleles are pathogenic than of those that a "
        "person carries."
    ),
    "column": (
        "The labels are the user's numbers, with their errors; the head knows no allele of another "
        "gene or\n  experiment than theirs."
    ),
}
"""By the kind of the target."""


def model_card(
    run: str,
    settings: Settings,
    trained: "TrainedHead",
    *,
    split_counts: pd.DataFrame,
    metrics: "Table",
    comparisons: pd.DataFrame,
    headline: "Headline",
) -> str:
    """Write the model card of a head.

    Parameters
    ----------
    run
        Name of the run that trained it.
    settings
        Of that run.
    trained
        The head.
    split_counts
        Alleles by split and impact, as `tallies.impact_counts` gives them.
    metrics, comparisons, headline
        On the run's test split.
    """
    notes = "\n".join(f"> **{caveat}**\n>" for caveat in caveats(settings))
    verdicts = "\n".join(f"- {verdict}" for verdict in comparisons["verdict"])
    head = trained.head.config
    people = ", ".join(plain(person.sample) for person in settings.data.individuals)
    return f"""---
{yaml.safe_dump(_metadata(settings, metrics, headline.subset), sort_keys=False).strip()}
---

# evoflow head on {Path(trained.checkpoint).name}

{notes}

A small convolutional network that predicts {_predicts(trained.target)}
from a sequencing read that carries it: it sees the read's embedding by `{trained.checkpoint}`, and
its difference from the embedding of the reference over the same bases.

## Use

```
evoflow predict THIS_FOLDER --data DATA.yaml --output predictions.tsv
evoflow predict THIS_FOLDER --variants V.vcf --reference R.fa --output scored.vcf.gz
```

It fits reads of {trained.read_length} bases{_context(trained)}, embedded by `{trained.checkpoint}`
(revision {trained.revision or "none"}, weights {trained.weights or "unknown"}),
layer `{trained.embedding.layer}`, tokens `{_tokens(trained)}`; `evoflow predict` refuses anything
else.

## Training data

Run `{run}` of evoflow {__version__}, exported on {datetime.now(UTC).strftime("%Y-%m-%d")}.
{_data(settings, people)}

{about_label(settings)} The head saw
{learnt_from(split_counts)}. Genomic blocks are assigned whole to one side of the split. Alleles
and reference loci on each side:

{_markdown(by_impact(split_counts, "split"))}

## Network

{head.layers} convolutions of width {head.kernel_size} over {head.channels} channels, from
{head.width} values per token; {sum(each.size for each in trained.head.weights.values()):,} weights.

## Results on the test split

{_headline(headline)}

Value and 95% interval by jackknife over genes; `metrics.json` has every metric of every subset.

{_results(metrics, headline.subset)}

{verdicts}

## Limits

- This is not a clinical tool. It must not be used to diagnose or to decide on a treatment.
{_seen(trained.checkpoint)}
- {_LIMITS[trained.target.kind]}
- It learnt from the individuals above alone; on people of other ancestry, and on reads of another
  technology or depth, it was not tested.
- A read shows {trained.read_length} bases: what a variant does to a protein from afar, to splicing
  of a distant exon or to regulation is not in it.
- Reads with systematic errors give systematic mistakes; the spread over reads does not show them.
"""


def plain(text: object) -> str:
    r"""Write text that is not this package's own so that Markdown and HTML show it as it is.

    Every punctuation character gets a backslash, as CommonMark has it, control characters become
    spaces, and secrets are taken out.

    >>> plain("<b>*rs1*</b>")
    '\\<b\\>\\*rs1\\*\\<\\/b\\>'
    """
    without_controls = re.sub(r"[\x00-\x1f\x7f]+", " ", redact(str(text)))
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", without_controls)


def _context(trained: "TrainedHead") -> str:
    return f", each within {trained.context:,} bases of the reference" if trained.context else ""


def _metadata(settings: Settings, metrics: "Table", subset: str) -> dict[str, Any]:
    """Metadata as Hugging Face's model index has them."""
    stand_in = settings.model.checkpoint in {STAND_IN, TRAINED_STAND_IN}
    kind = settings.model.target.kind
    measured = [
        {"type": name, "name": f"{name} ({subset})", "value": round(estimate[0], 4)}
        for name, estimate in metrics.get(subset, {}).get("head", {}).items()
        if name in SHOWN and estimate[0] is not None
    ]
    demo = settings.data.demo is not None
    data = {"name": "evoflow demo (simulated)" if demo else "ClinVar", "type": "clinvar"}
    task = "classification" if kind == "pathogenicity" else "regression"
    result = {
        "task": {
            "type": f"tabular-{task}",
            "name": f"variant {target_of(settings.model.target).name}",
        },
        "dataset": data,
        "metrics": measured,
    }
    return {
        "library_name": "evoflow",
        "tags": ["genomics", "dna", "variant-effect-prediction", "evo"],
        **({} if stand_in else {"base_model": settings.model.checkpoint}),
        "model-index": [{"name": "evoflow-head", "results": [result]}],
    }


def _data(settings: Settings, people: str) -> str:
    """Say what the head learnt from."""
    data = settings.data
    if data.demo is not None:
        return f"Data: evoflow's simulated demo with seed {data.demo.seed}."
    made = (
        f" {data.haplotypes:,} ClinVar alleles that nobody carries were written into the reference."
        if data.haplotypes
        else " No haplotypes were added."
    )
    files = f"ClinVar `{redact(str(data.clinvar))}`, reference `{redact(str(data.reference))}`"
    return f"Individuals: {people or 'none'}; {files}.{made}"


def _seen(checkpoint: str) -> str:
    """Say what the model that embeds was trained on, as far as it is known."""
    name = checkpoint.rpartition("/")[2]
    if name in {STAND_IN, TRAINED_STAND_IN}:
        return (
            f"- `{name}` is a stand-in for Evo-1, which was trained on genomes of prokaryotes and "
            "phages; it has not seen the DNA of any organism."
        )
    if name.startswith("evo-1"):
        return (
            "- Evo-1 was trained on genomes of prokaryotes and phages; it has not seen human DNA."
        )
    return f"- What `{name}` was trained on, and whether human DNA is among it, its own card says."


def _tokens(trained: "TrainedHead") -> str:
    tokens = trained.embedding.tokens
    return tokens if isinstance(tokens, str) else f"window: {tokens.window}"


def _headline(found: "Headline") -> str:
    """One paragraph: the head beside the best baseline on carried alleles."""
    text = f"**{found.verdict[0].upper()}{found.verdict[1:]}.**"
    if found.missing:
        return text
    hint = " So few make the interval only a hint." if found.is_hint else ""
    against = ""
    if found.baseline:
        against = f"; {spoken(found.baseline)} {found.best}, difference {found.difference}"
    caveat = f" {found.caveat}" if found.caveat else ""
    return (
        f"{text} {found.measure} {found.where}: head {found.head}{against}."
        f" {found.counted}.{hint}{caveat}"
    )


def _predicts(target: Target) -> str:
    return _PREDICTS.get(target.kind, f"{plain(target.name)} of a DNA variant")


def _results(metrics: "Table", subset: str) -> str:
    names = [name for name in SHOWN if name in metrics.get(subset, {}).get("head", {})]
    rows = [
        {"subset": subset, "model": spoken(model)}
        | {METRICS[name]: _written(by_metric.get(name)) for name in names}
        for subset in dict.fromkeys((subset, "carriers", "all"))
        for model, by_metric in metrics.get(subset, {}).items()
    ]
    return _markdown(pd.DataFrame(rows))


def _written(estimate: Any) -> str:
    if estimate is None or estimate[0] is None:
        return "-"
    value, low, high, _ = estimate
    return f"{value:.2f}" if low is None else f"{value:.2f} ({low:.2f} to {high:.2f})"


def _markdown(table: pd.DataFrame) -> str:
    lines = [list(map(str, table.columns)), ["---"] * table.shape[1]]
    lines += [list(map(str, row)) for row in table.itertuples(index=False)]
    escaped = [[cell.replace("|", r"\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)
