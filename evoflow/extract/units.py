"""One (individual, contig) unit of work: which there are, and the loci whose reads are wanted."""

import os
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp, mkstemp

import numpy as np
import pandas as pd

from evoflow.errors import InputError
from evoflow.extract import normalise, reference_loci, variants
from evoflow.extract.normalise import Source, Written
from evoflow.extract.pool import Pool
from evoflow.inputs import agreement, inventory
from evoflow.inputs.inventory import Held
from evoflow.remote import local_files
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
        The contig's table that `normalise.write_clinvar` made; empty where ClinVar lists nothing.
    """

    individual: Individual
    contig: str
    contig_length: int
    reads_spelling: str
    called: Source
    clinvar: Source
    clinvar_table: Path


@dataclass(frozen=True)
class Plan:
    """What there is to do.

    Attributes
    ----------
    units
        The units, individual by individual, contigs in the reference's order.
    left_out
        (individual, contig, reason) of each contig on which ClinVar or the individual has a
        record, but that is no unit.
    """

    units: tuple[Unit, ...]
    left_out: tuple[tuple[str, str, str], ...]


def plan_units(data: DataSettings, pool: Pool, folder: Path, *, unlisted: bool = False) -> Plan:
    """Find the units of every individual and write ClinVar's tables for them.

    Parameters
    ----------
    data
        The inputs, all local.
    pool
        Where the tables are written.
    folder
        Where they stay as long as the units need them.
    unlisted
        Whether contigs on which ClinVar has no record are units too.

    Raises
    ------
    InputError
        When more of ClinVar's records than a few have another REF than the reference.
    """
    reference = inventory.held_by_reference(str(data.reference))
    clinvar = inventory.held_by_variants(str(data.clinvar))
    regions = inventory.regions_of(data, reference)
    people = [
        (person, inventory.held_by_reads(person.reads), inventory.held_by_variants(person.variants))
        for person in data.individuals
    ]
    needed = [] if unlisted else [clinvar]
    shared = [
        inventory.usable_contigs(reference, regions, *needed, reads, called)
        for _, reads, called in people
    ]
    wanted = [name for name in reference.names if any(name in names for names in shared)]
    local_files.provide_reference(str(data.reference), [reference.names[name] for name in wanted])
    tables = _clinvar_tables(data, reference, clinvar, wanted, pool=pool, folder=folder)
    todo = [
        Unit(
            individual=person,
            contig=reference.names[name],
            contig_length=reference.lengths[name],
            reads_spelling=reads.names[name],
            called=Source(
                person.variants, called.names[name], reference.names[name], regions[name]
            ),
            clinvar=tables[name][0],
            clinvar_table=tables[name][1],
        )
        for (person, reads, called), names in zip(people, shared, strict=True)
        for name in names
    ]
    left_out = [
        (person.sample, reference.names[name], reason)
        for (person, reads, called), names in zip(people, shared, strict=True)
        for name in regions
        if name not in names and (reason := _why_left_out(name, clinvar, reads, called))
    ]
    return Plan(tuple(todo), tuple(left_out))


def _clinvar_tables(
    data: DataSettings,
    reference: Held,
    clinvar: Held,
    wanted: list[str],
    *,
    pool: Pool,
    folder: Path,
) -> dict[str, tuple[Source, Path]]:
    """Write ClinVar's table of each contig that is wanted."""
    regions = inventory.regions_of(data, reference)
    sources = {
        name: Source(
            str(data.clinvar), clinvar.names.get(name, name), reference.names[name], regions[name]
        )
        for name in wanted
    }
    listed = [name for name in wanted if name in clinvar.records]
    written = pool.run(
        partial(_write_table, reference=str(data.reference), folder=folder),
        [sources[name] for name in listed],
        name=lambda source: f"{source.path}, contig {source.contig}",
    )
    agreement.refuse_another_reference(str(data.reference), {str(data.clinvar): written})
    nothing = folder / "nothing.tsv"
    nothing.touch()
    tables = dict.fromkeys(wanted, nothing)
    tables |= {name: each.table for name, each in zip(listed, written, strict=True)}
    return {name: (sources[name], tables[name]) for name in wanted}


def _write_table(source: Source, reference: str, folder: Path) -> Written:
    return normalise.write_clinvar(source, reference, Path(mkdtemp(dir=folder)))


def _why_left_out(name: str, clinvar: Held, reads: Held, called: Held) -> str | None:
    """Why a contig with some records is no unit; None where it has no record."""
    if name not in clinvar.records:
        return "ClinVar has no record on it" if name in called.records else None
    if name not in called.records:
        return "the individual has no variant on it"
    return None if name in reads.records else "no read is on it"


@dataclass(frozen=True)
class Found:
    """What a unit has reads to be taken for.

    Attributes
    ----------
    alleles
        The individual's alleles that ClinVar knows, labelled, sorted by `normalise.KEY`.
    called
        All alleles that the individual carries there or that a failed call gives them, in ClinVar
        or not: `KEY`, `genotype` and `passed`, sorted by `KEY`.
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
    called: pd.DataFrame
    positions: Path
    num_positions: int
    counts: Counter[tuple[str, str]]
    written: Written


def find(unit: Unit, data: DataSettings, folder: Path) -> Found:
    """Join an individual's alleles on a contig with ClinVar's, and find the reference loci.

    The positions of these stay in the folder.
    """
    called = read_unit(unit, data)
    counts = called.counts
    alleles, dropped, unknown = variants.join(
        called.carried, variants.read_clinvar(unit.clinvar_table, unit.clinvar), unit.called
    )
    add(counts, VARIANT, dropped)
    if unknown and data.unknown_consequences == "error":
        raise InputError(_unknown_terms(data, unknown))
    add(counts, UNKNOWN_TERM, unknown)
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
    return Found(alleles, called.alleles, Path(path), len(positions), counts, called.written)


@dataclass(frozen=True)
class Called:
    """What an individual's file has on a contig.

    Attributes
    ----------
    alleles
        `KEY`, `genotype` and `passed`: also alleles of failed calls, and some behind the regions'
        ends; sorted by `KEY`.
    counts
        Count by (subject, reason) of the alleles that were dropped, and of all by genotype.
    written
        The table of the individual's alleles, which is gone by then.
    """

    alleles: pd.DataFrame
    counts: Counter[tuple[str, str]]
    written: Written

    @property
    def carried(self) -> pd.DataFrame:
        """The alleles whose call passed: `KEY` and `genotype`."""
        return self.alleles[self.alleles["passed"]].drop(columns="passed")


def read_unit(unit: Unit, data: DataSettings) -> Called:
    """Read the alleles that an individual carries on a contig."""
    counts: Counter[tuple[str, str]] = Counter()
    with TemporaryDirectory(prefix="evoflow-") as own:
        written = normalise.write_called(
            unit.called, unit.individual.sample, data.filters, str(data.reference), Path(own)
        )
        alleles, dropped, genotypes = variants.read_called(written.table, unit.called)
    add(counts, VARIANT, dropped)
    counts[VARIANT, "REF differs from the reference"] += written.mismatches
    add(counts, GENOTYPE, genotypes)
    return Called(alleles.sort_values(normalise.KEY), counts, written)


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
