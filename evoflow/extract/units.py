"""One (individual, contig) unit of work: from its files to the loci whose reads are wanted."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, mkstemp

import numpy as np
import pandas as pd

from evoflow.errors import InputError
from evoflow.extract import normalise, reference_loci, variants
from evoflow.settings import DataSettings, Individual

VARIANT = "variant"
LOCUS = "reference locus"
GENOTYPE = "genotype"
UNKNOWN_TERM = "unknown consequence term"


@dataclass(frozen=True)
class Unit:
    """An individual's contig.

    Attributes
    ----------
    individual
        The person.
    contig
        The contig as the reference spells it, and its length.
    contig_length
        Bases of the contig.
    reads_spelling
        The contig's name in the reads.
    called
        Where the individual's alleles are.
    clinvar
        Where ClinVar's alleles are.
    clinvar_table
        The contig's table that `normalise.write_clinvar` made.
    """

    individual: Individual
    contig: str
    contig_length: int
    reads_spelling: str
    called: normalise.Source
    clinvar: normalise.Source
    clinvar_table: Path


@dataclass(frozen=True)
class Found:
    """What a unit has reads to be taken for.

    Attributes
    ----------
    alleles
        The individual's alleles that ClinVar knows, labelled, sorted by `normalise.KEY`.
    positions
        File of the 1-based positions of the reference loci, sorted: those of many people are too
        many to be held at once.
    num_positions
        How many they are.
    counts
        Count by (subject, reason).
    written
        The table of the individual's alleles, which is gone by then.
    """

    alleles: pd.DataFrame
    positions: Path
    num_positions: int
    counts: Counter[tuple[str, str]]
    written: normalise.Written


def find(unit: Unit, data: DataSettings, folder: Path) -> Found:
    """Join an individual's alleles on a contig with ClinVar's, and find the reference loci.

    The positions of these stay in the folder.
    """
    counts: Counter[tuple[str, str]] = Counter()
    with TemporaryDirectory(prefix="evoflow-") as own:
        written = normalise.write_called(
            unit.called, unit.individual.sample, str(data.reference), Path(own)
        )
        carried, dropped, genotypes = variants.read_called(written.table, unit.called)
    add(counts, VARIANT, dropped)
    counts[VARIANT, "REF differs from the reference"] += written.mismatches
    add(counts, GENOTYPE, genotypes)
    alleles, dropped, unknown = variants.join(
        carried, variants.read_clinvar(unit.clinvar_table, unit.clinvar), unit.called
    )
    add(counts, VARIANT, dropped)
    if unknown and data.unknown_consequences == "error":
        raise InputError(_unknown_terms(data, unknown))
    add(counts, UNKNOWN_TERM, unknown)
    positions, dropped = reference_loci.uncarried_positions(
        carried,
        variants.read_clinvar(unit.clinvar_table, unit.clinvar),
        longest=data.read_length,
    )
    add(counts, LOCUS, dropped)
    descriptor, path = mkstemp(suffix=".npy", dir=folder)
    with os.fdopen(descriptor, "wb") as file:
        np.save(file, positions)
    alleles = alleles.sort_values(normalise.KEY)
    return Found(alleles, Path(path), len(positions), counts, written)


def add(counts: Counter[tuple[str, str]], subject: str, reasons: Counter[str]) -> None:
    """Add counts by reason to those of a subject."""
    for reason, count in reasons.items():
        counts[subject, reason] += count


def _unknown_terms(data: DataSettings, unknown: Counter[str]) -> str:
    terms = ", ".join(sorted(unknown))
    return (
        f"{data.clinvar}: no table lists the consequence {terms}; with unknown_consequences: count "
        "such terms are counted and not used"
    )


def rs_ids(value: str) -> str:
    """Write `123,456` as `rs123;rs456`; `.` is missing."""
    return "" if value == "." else ";".join(f"rs{number}" for number in value.split(","))


def gene_symbols(value: str) -> str:
    """Name the genes of a GENEINFO value: `BRCA1:672|NBR2:10230` as `BRCA1,NBR2`."""
    return "" if value == "." else ",".join(gene.split(":")[0] for gene in value.split("|"))
