"""The kinds of test rows for which metrics are given, and what is true of each row."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from evoflow.labels.allele_values import column_name
from evoflow.labels.target import IMPACT, LABEL, PATHOGENICITY, Target
from evoflow.settings import HAPLOTYPE, UserColumn

CODING = (
    "stop_gained",
    "frameshift_variant",
    "stop_lost",
    "start_lost",
    "initiator_codon_variant",
    "inframe_insertion",
    "inframe_deletion",
    "inframe_indel",
    "inframe_variant",
    "missense_variant",
    "protein_altering_variant",
    "incomplete_terminal_codon_variant",
    "start_retained_variant",
    "stop_retained_variant",
    "synonymous_variant",
    "coding_sequence_variant",
)
"""Sequence Ontology terms of variants inside a coding sequence."""

BENIGN = "(?i)^(?:likely )?benign"
PATHOGENIC = "(?i)^(?:likely )?pathogenic"

CARRIERS = "carriers"
FROM_READS = "carriers from reads"
FROM_HAPLOTYPES = "carriers from haplotypes"


WITHIN = "within "
"""What the names of subsets of one consequence begin with."""

FIRST = "missense_variant"
"""The consequence that comes before all others: it says least of an allele's effect."""

FEWEST_OF_CONSEQUENCE = 10
FEWEST_OF_CLASS = 3
"""Test alleles that a consequence must have, of each class for pathogenicity."""


def headline_subset(found: Iterable[str], target: Target = IMPACT) -> str:
    """Name the rows that the headline is about.

    For the impact these are the carried alleles, seen in reads if any are. ClinVar classifies
    partly by consequence, so pathogenicity is judged within one, missense if possible. The
    alleles of people are nearly all harmless: where others were written into the reference, the
    other targets are judged on those, lest the head tells reads from written alleles.
    """
    names = list(found)
    if target == PATHOGENICITY:
        within = [name for name in names if name.startswith(WITHIN)]
        if within:
            return within[0]
    wanted = (FROM_READS, FROM_HAPLOTYPES) if target == IMPACT else (FROM_HAPLOTYPES,)
    return next((name for name in wanted if name in names), CARRIERS)


def with_column(subset: str, column: UserColumn) -> str:
    """Name the rows of a subset that have a value of a user's column."""
    return f"{subset} with {column.called}"


def subsets(
    predictions: pd.DataFrame, target: Target = IMPACT, columns: Sequence[UserColumn] = ()
) -> dict[str, pd.Series]:
    """Masks of the rows by name; empty ones are left out.

    Targets other than the impact have a subset for each consequence with enough alleles, for
    pathogenicity of both classes, the first subsets of all. A user's column has a subset for each
    of its strata, and one of the headline's rows that have a value, unless all have.

    SNVs, indels, coding and non-coding are kinds of carried alleles: a reference read has none.
    Each individual is a subset where there are several; so are the carried alleles of reads and
    of made haplotypes, where there are both.
    """
    carriers = predictions["carries_alt"].astype(bool)
    single = (predictions["ref"].str.len() == 1) & (predictions["alt"].str.len() == 1)
    level = predictions["ref"].str.len() == predictions["alt"].str.len()
    coding = predictions["consequence"].isin(CODING)
    found = {
        "all": pd.Series(data=True, index=predictions.index),
        CARRIERS: carriers,
        "SNVs": carriers & single,
        "indels": carriers & ~level,
        "coding": carriers & coding,
        "non-coding": carriers & ~coding,
    }
    made = predictions["individual"] == HAPLOTYPE
    if made.any():
        found |= {FROM_READS: carriers & ~made, FROM_HAPLOTYPES: carriers & made}
    individuals = sorted(predictions.loc[~made, "individual"].unique())
    if len(individuals) > 1:
        for individual in individuals:
            found[f"individual {individual}"] = predictions["individual"] == individual
    if target != IMPACT:
        within = dict(_within(predictions, carriers & made if made.any() else carriers, target))
        found = within | found if target == PATHOGENICITY else found | within
    found = {name: rows for name, rows in found.items() if rows.any()}
    headline = headline_subset(found, target)
    for column in columns:
        value = predictions[column_name(column)]
        found |= _strata(column, value.where(carriers))
        if headline in found and (unknown := found[headline] & value.isna()).any():
            found[with_column(headline, column)] = found[headline] & ~unknown
    return {name: rows for name, rows in found.items() if rows.any()}


def _within(
    predictions: pd.DataFrame, rows: pd.Series, target: Target
) -> Iterator[tuple[str, pd.Series]]:
    """Divide rows by consequence: missense first, then those with most rows."""
    counts = predictions.loc[rows, "consequence"].value_counts()
    for name in sorted(counts.index, key=lambda name: (name != FIRST, -counts[name], name)):
        own = rows & (predictions["consequence"] == name)
        enough = counts[name] >= FEWEST_OF_CONSEQUENCE
        if target == PATHOGENICITY:
            positive = int(predictions.loc[own, LABEL].sum())
            enough &= min(positive, counts[name] - positive) >= FEWEST_OF_CLASS
        if enough:
            yield WITHIN + name.replace("_", " "), own


def _strata(column: UserColumn, value: pd.Series) -> Iterator[tuple[str, pd.Series]]:
    """Divide alleles at the bounds of a user's column."""
    if not column.strata:
        return
    first, last = column.strata[0], column.strata[-1]
    yield f"{column.called} below {first:g}", value < first
    for low, high in pairwise(column.strata):
        yield f"{column.called} {low:g} to {high:g}", (low <= value) & (value < high)
    yield f"{column.called} {last:g} or more", value >= last


def truths(predictions: pd.DataFrame) -> pd.DataFrame:
    """Say what is true of every row, for the metrics to compare predictions with.

    Returns
    -------
    DataFrame
        Columns `score` (the label), `high` (1 where the impact is HIGH, else 0) and `pathogenic` (1
        where ClinVar calls a carried allele pathogenic or likely so, 0 where benign or likely so,
        NaN elsewhere).
    """
    significance = predictions["clinical_significance"].str.replace("_", " ")
    carried = predictions["carries_alt"].astype(bool)
    pathogenic = np.select(
        [
            carried & significance.str.contains(PATHOGENIC),
            carried & significance.str.contains(BENIGN),
        ],
        [1.0, 0.0],
        np.nan,
    )
    return pd.DataFrame(
        {
            "score": predictions[LABEL].astype("float64"),
            "high": (predictions["impact"] == "HIGH").astype("float64"),
            "pathogenic": pathogenic,
        }
    )
