"""The one result of a run: how well the head ranks carried alleles, beside the best baseline."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from evoflow.labels.target import IMPACT, PATHOGENICITY, Target
from evoflow.train.evaluation.names import spoken
from evoflow.train.evaluation.subsets import WITHIN, headline_subset

if TYPE_CHECKING:
    from evoflow.train.evaluation.metrics import Evaluation

CALLED = {"spearman": "rank correlation", "auroc_pathogenic": "AUROC"}
"""What the metrics of a headline are called."""

MEASURE = {"spearman": "Spearman correlation", "auroc_pathogenic": "AUROC"}
"""The same with who it is by."""

ACROSS = (
    "No consequence has enough test alleles of both classes, so this figure is over all: ClinVar "
    "classifies partly by consequence, and the consequence look-up is hard to beat."
)
"""What must be said of pathogenicity where it is not judged within a consequence."""

SIGNIFICANT = 0.05
"""Of the p-values, after their correction."""

FEWEST_FOR_AN_INTERVAL = 12
"""Independent units of equal weight below which an interval is only a hint."""


@dataclass(frozen=True)
class Interval:
    """A value and the ends of its 95% interval; NaN where they are not known."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Write `0.41 [0.35, 0.47]`; a dash where there is no value."""
        if math.isnan(self.value):
            return "-"
        ends = "" if math.isnan(self.low) else f" [{self.low:.2f}, {self.high:.2f}]"
        return f"{self.value:.2f}{ends}"


@dataclass(frozen=True)
class Headline:
    """How well the head ranks the carried alleles of the test split, beside the best baseline.

    Attributes
    ----------
    subset
        The rows that count: carried alleles seen in reads, where there are reads.
    rows, units
        How many different alleles they show, and how many independent units of the genome (genes)
        these lie in.
    effective_units
        How many units of equal weight would tell as much.
    head
        The metric's value for the head.
    baseline
        Name of the best baseline by the same metric; empty where none has a value.
    best
        Its value.
    difference
        The head's minus the baseline's.
    p_value
        Of the difference, corrected by Holm for all comparisons of the run.
    missing
        Why the head has no value; empty where it has one.
    metric
        The metric: the rank correlation, or for pathogenicity the AUROC.
    caveat
        What else must be said of it; empty where nothing is.
    """

    subset: str
    rows: int
    units: int
    effective_units: float
    head: Interval
    baseline: str
    best: Interval
    difference: Interval
    p_value: float
    missing: str
    metric: str = "spearman"
    caveat: str = ""

    @property
    def is_hint(self) -> bool:
        """Whether the interval rests on so few independent units that it is only a hint."""
        return self.effective_units < FEWEST_FOR_AN_INTERVAL

    @property
    def where(self) -> str:
        """Say on or within which rows."""
        return self.subset if self.subset.startswith(WITHIN) else f"on {self.subset}"

    @property
    def counted(self) -> str:
        """Say what it rests on; where a gene lies in several blocks, each part is a unit."""
        return f"{self.rows:,} alleles in {self.units:,} independent genes or parts of genes"

    @property
    def measure(self) -> str:
        """What the metric is called."""
        return MEASURE[self.metric]

    @property
    def verdict(self) -> str:
        """One sentence without the figures."""
        if self.missing:
            return f"the head has no {CALLED[self.metric]} {self.where}: {self.missing}"
        if not self.baseline:
            return "no baseline ranks these alleles"
        against = spoken(self.baseline)
        if math.isnan(self.p_value):
            return f"too few genes to compare the head with {against}"
        if self.p_value >= SIGNIFICANT:
            return f"no clear difference between the head and {against}"
        return f"the head is {'better' if self.difference.value > 0 else 'worse'} than {against}"


def headline(
    evaluation: "Evaluation", comparisons: pd.DataFrame, head: str, target: Target = IMPACT
) -> Headline:
    """Take the headline from the evaluation of all models.

    Parameters
    ----------
    evaluation
        Of the head and the baselines.
    comparisons
        As `compare` gives them.
    head
        The head's name among the models.
    target
        What is predicted.
    """
    subset, metric = headline_subset(evaluation.metrics, target), target.headline
    estimates = {
        model: by_metric[metric] for model, by_metric in evaluation.metrics.get(subset, {}).items()
    }
    units, effective = evaluation.units.get(subset, (0, 0.0))
    reasons = evaluation.undefined.get(subset, {}).get(head, {})
    missing = "" if estimates else "no test row carries an allele"
    if estimates and estimates[head][0] is None:
        missing = reasons[metric]
    same = (comparisons["metric"] == metric) & (comparisons["subset"] == subset)
    ranked = comparisons[same].set_index("baseline")
    # The baseline above which the head stands least: one that ranks nothing counts as 0.
    baseline = str(ranked["difference"].idxmin()) if len(ranked) else ""
    against = ranked.loc[baseline].to_dict() if baseline else {}
    return Headline(
        subset=subset,
        rows=estimates[head][3] if estimates else 0,
        units=units,
        effective_units=effective,
        head=_interval(estimates.get(head)),
        baseline=baseline,
        best=_interval(estimates.get(baseline)),
        difference=Interval(*(against.get(n, math.nan) for n in ("difference", "low", "high"))),
        p_value=against.get("p_value", math.nan),
        missing=missing,
        metric=metric,
        caveat=ACROSS if target == PATHOGENICITY and not subset.startswith(WITHIN) else "",
    )


def _interval(estimate: tuple[float | None, ...] | None) -> Interval:
    numbers = (None, None, None) if estimate is None else estimate[:3]
    return Interval(*(math.nan if number is None else number for number in numbers))
