"""An individual's alleles on a contig: those called, those that ClinVar knows, and other loci."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, mkstemp

import numpy as np
import pandas as pd

from evoflow.errors import InputError
from evoflow.extract import reference_loci
from evoflow.extract.units import OUTSIDE, Unit
from evoflow.extract.vcf import normalise, variants
from evoflow.extract.vcf.normalise import Written
from evoflow.settings import DataSettings

RECORD = "record"
VARIANT = "variant"
LOCUS = "reference locus"
GENOTYPE = "genotype"
UNKNOWN_TERM = "unknown consequence term"
LABEL = "source of the consequence"


@dataclass(frozen=True)
class Found:
    """The alleles and the reference loci of a unit, of which reads are taken.

    Attributes
    ----------
    alleles
        The individual's alleles that ClinVar knows, labelled, sorted by `normalise.KEY`.
    called
        Pickled table of all alleles that the individual carries there or may carry, as a failed
        call gives them or the genotype is missing, in ClinVar or not: `KEY`, sorted. Those of many
        people are too many to be held at once.
    positions
        File of the 1-based positions of the reference loci, sorted: also too many.
    num_positions
        How many they are.
    counts
        Count by (subject, reason).
    written
        The table of the individual's alleles, which is gone by then.
    """

    alleles: pd.DataFrame
    called: Path
    positions: Path
    num_positions: int
    counts: Counter[tuple[str, str]]
    written: Written


def find(unit: Unit, data: DataSettings, folder: Path) -> Found:
    """Join an individual's alleles on a contig with ClinVar's, and find the reference loci.

    The positions of these and the individual's alleles stay in the folder.
    """
    called = read_unit(unit, data)
    counts = called.counts
    listed = variants.read_clinvar(
        unit.clinvar_table, unit.clinvar, called.alleles["position"].to_numpy()
    )
    alleles, dropped, unknown = variants.join(called.carried, listed, unit.called)
    add(counts, VARIANT, dropped)
    if unknown and data.unknown_consequences == "error":
        raise InputError(_unknown_terms(unit, data, unknown))
    add(counts, UNKNOWN_TERM, unknown)
    if data.consequence_field is not None:
        own = int((alleles["own_mc"] != ".").sum())
        counts[LABEL, f"the individual's {data.consequence_field}"] = own
        counts[LABEL, "ClinVar"] = len(alleles) - own
    positions, dropped = reference_loci.uncarried_positions(
        called.alleles,
        variants.read_clinvar(unit.clinvar_table, unit.clinvar),
        longest=data.read_length,
    )
    add(counts, LOCUS, dropped)
    descriptor, path = mkstemp(suffix=".npy", dir=folder)
    with os.fdopen(descriptor, "wb") as file:
        np.save(file, positions)
    alleles = alleles.sort_values(normalise.KEY)
    return Found(alleles, called.save(folder), Path(path), len(positions), counts, called.written)


@dataclass(frozen=True)
class Called:
    """What an individual's file has on a contig.

    Attributes
    ----------
    alleles
        `KEY`, `genotype`, `own_mc`, `record` and `passed`: also alleles of failed calls, and those
        nearby outside of the regions; sorted by `KEY`.
    unknown
        `KEY` of the alleles whose genotype is missing, or half of it.
    counts
        Count by (subject, reason) of the alleles that were dropped, and of all by genotype.
    written
        The table of the individual's alleles, which is gone by then.
    """

    alleles: pd.DataFrame
    unknown: pd.DataFrame
    counts: Counter[tuple[str, str]]
    written: Written

    @property
    def carried(self) -> pd.DataFrame:
        """The alleles whose call passed: `KEY`, `genotype`, `own_mc` and `record`."""
        return self.alleles[self.alleles["passed"]].drop(columns="passed")

    def save(self, folder: Path) -> Path:
        """Write all alleles as `Found.called`."""
        together = pd.concat([self.alleles[normalise.KEY], self.unknown]).drop_duplicates()
        descriptor, path = mkstemp(suffix=".pickle", dir=folder)
        with os.fdopen(descriptor, "wb") as file:
            together.sort_values(normalise.KEY).to_pickle(file)
        return Path(path)


def read_unit(unit: Unit, data: DataSettings) -> Called:
    """Read the alleles that an individual carries on a contig."""
    counts: Counter[tuple[str, str]] = Counter()
    with TemporaryDirectory(prefix="evoflow-") as own:
        written = normalise.write_called(
            unit.called,
            unit.sample,
            data.filters,
            str(data.reference),
            Path(own),
            consequence_field=data.consequence_field,
        )
        alleles, unknown, dropped, genotypes = variants.read_called(written.table, unit.called)
    add(counts, VARIANT, dropped)
    counts[VARIANT, "REF differs from the reference"] += written.mismatches
    counts[VARIANT, "REF is not A, C, G, T or N"] += written.not_bases
    counts[RECORD, "in the regions"] += written.inside
    counts[RECORD, OUTSIDE] += unit.called_records - written.inside
    add(counts, GENOTYPE, genotypes)
    return Called(alleles.sort_values(normalise.KEY), unknown, counts, written)


def add(counts: Counter[tuple[str, str]], subject: str, reasons: Counter[str]) -> None:
    """Add counts by reason to those of a subject."""
    for reason, count in reasons.items():
        counts[subject, reason] += count


def _unknown_terms(unit: Unit, data: DataSettings, unknown: Counter[str]) -> str:
    terms = ", ".join(sorted(unknown))
    files = str(data.clinvar)
    if data.consequence_field is not None:
        files = f"{unit.individual.variants} or {files}"
    return (
        f"{files}: unknown consequence terms: {terms}; correct them, or set unknown_consequences: "
        "count to leave them out"
    )
