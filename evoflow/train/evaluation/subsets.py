"""The kinds of test rows for which metrics are given, and what is true of each row."""

from collections.abc import Container

import numpy as np
import pandas as pd

from evoflow.settings import HAPLOTYPE

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


def headline_subset(found: Container[str]) -> str:
    """Name the rows that the headline is about: carried alleles, seen in reads if any are."""
    return next((name for name in (FROM_READS, FROM_HAPLOTYPES) if name in found), CARRIERS)


def subsets(predictions: pd.DataFrame) -> dict[str, pd.Series]:
    """Masks of the rows by name; empty ones are left out.

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
    return {name: rows for name, rows in found.items() if rows.any()}


def truths(predictions: pd.DataFrame) -> pd.DataFrame:
    """Say what is true of every row, for the metrics to compare predictions with.

    Returns
    -------
    DataFrame
        Columns `score` (0..10), `high` (1 where the impact is HIGH, else 0) and `pathogenic` (1
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
            "score": predictions["impact_score"].astype("float64"),
            "high": (predictions["impact"] == "HIGH").astype("float64"),
            "pathogenic": pathogenic,
        }
    )
