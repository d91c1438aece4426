"""Every input checked together, before any work."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import pandas as pd
import pysam

from evoflow.errors import InputError
from evoflow.extract import inventory, readable
from evoflow.extract.contigs import genome_build
from evoflow.extract.inventory import Held
from evoflow.settings import DataSettings, Individual

_SAMPLED = 1_000
"""Reads of a file whose length is looked at."""


@dataclass(frozen=True)
class Inputs:
    """What was found.

    Attributes
    ----------
    files
        Columns `role`, `location`: one row per file.
    contigs
        The contigs of the reference that ClinVar and any individual also have. Columns `contig`,
        `length`, `clinvar`, `reads`, `variants`: the first and the last three as the files spell
        them (empty: not there; several spellings are separated by commas).
    genome_build
        The human build that the reference's lengths belong to; None where none does.
    warnings
        What is odd but does not stop the work.
    """

    files: pd.DataFrame
    contigs: pd.DataFrame
    genome_build: str | None
    warnings: tuple[str, ...]


def check(data: DataSettings) -> Inputs:
    """Check every input.

    Raises
    ------
    InputError
        With all problems that were found.
    """
    problems: list[str] = []
    warnings: list[str] = []
    reference = clinvar = None
    with _collected(problems):
        readable.check_reference(str(data.reference))
        reference = inventory.held_by_reference(str(data.reference))
    with _collected(problems):
        warnings += readable.check_variants(str(data.clinvar))
        readable.check_clinvar_fields(str(data.clinvar))
        clinvar = inventory.held_by_variants(str(data.clinvar))
    people = [_check_individual(person, data, problems, warnings) for person in data.individuals]
    if reference is not None and clinvar is not None:
        with _collected(problems):
            inventory.regions_of(data, reference)
        others: dict[str, Held | None] = {str(data.clinvar): clinvar}
        for person, (reads, variants) in zip(data.individuals, people, strict=True):
            others |= {person.reads: reads, person.variants: variants}
            if variants is not None and not variants.records & clinvar.records:
                problems.append(nothing_in_common(data, person, variants, clinvar))
        problems += _differing_lengths(data, reference, others)
    if problems or reference is None or clinvar is None:
        raise InputError(problems)
    return Inputs(
        files=_files(data),
        contigs=_contigs(reference, clinvar, people),
        genome_build=genome_build(reference.lengths),
        warnings=tuple(warnings),
    )


@contextmanager
def _collected(problems: list[str]) -> Iterator[None]:
    """Collect the problems of an error instead of stopping at it."""
    try:
        yield
    except InputError as error:
        problems += error.problems


def nothing_in_common(
    data: DataSettings,
    person: Individual,
    variants: Held,
    clinvar: Held,
    counts: Mapping[tuple[str, str], int] | None = None,
) -> str:
    """Say that ClinVar lists none of an individual's alleles, and what to look at.

    `counts` are those of the join, by subject and reason, where there was one.
    """
    alleles = {
        reason: number
        for (subject, reason), number in (counts or {}).items()
        if subject == "variant" and number
    }
    why = ", ".join(f"{number} alleles: {reason}" for reason, number in alleles.items())
    where = f"within regions {', '.join(data.regions)}" if data.regions else "of the contigs"
    return (
        f"{person.variants}: ClinVar knows none of these variants of {person.sample!r}: they are "
        f"on {_listed(variants)}, the records of {data.clinvar} on {_listed(clinvar)}"
        + (f" ({why} {where})" if why else "")
        + "; give a ClinVar file of the same genome build that covers them"
    )


def _listed(held: Held, most: int = 6) -> str:
    names = [held.names[name] for name in held.names if name in held.records]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "no contig") + more


def _check_individual(
    person: Individual, data: DataSettings, problems: list[str], warnings: list[str]
) -> tuple[Held | None, Held | None]:
    """Check one person's files; what a broken file holds is None."""
    reads = variants = None
    with _collected(problems):
        warnings += readable.check_reads(person.reads)
        reads = inventory.held_by_reads(person.reads)
        warnings += _sample_warnings(person)
        _check_read_lengths(person, data)
    with _collected(problems):
        warnings += readable.check_variants(person.variants)
        readable.check_sample(person)
        variants = inventory.held_by_variants(person.variants)
    return reads, variants


def _sample_warnings(person: Individual) -> list[str]:
    with pysam.AlignmentFile(person.reads, check_sq=False) as reads:
        groups = reads.header.to_dict().get("RG", [])
    samples = sorted({group["SM"] for group in groups if "SM" in group})
    if samples and person.sample not in samples:
        return [
            (
                f"{person.reads}: its read groups name {', '.join(samples)}, the settings "
                f"{person.sample!r}; make sure that reads and variants are of one person"
            )
        ]
    return []


def _check_read_lengths(person: Individual, data: DataSettings) -> None:
    with pysam.AlignmentFile(
        person.reads, check_sq=False, reference_filename=data.reference
    ) as reads:
        primary = (read for read in reads.fetch(until_eof=True) if not read.flag & 0x900)
        lengths = [read.query_length for read in islice(primary, _SAMPLED)]
    longest = max(lengths, default=0)
    if not lengths:
        raise InputError(f"{person.reads}: holds no read; give a file with reads")
    if longest < data.read_length:
        raise InputError(all_reads_shorter(person, data, longest))


def all_reads_shorter(person: Individual, data: DataSettings, longest: int) -> str:
    """Say that no read is long enough, and what to set."""
    return (
        f"{person.reads}: every read is shorter than read_length {data.read_length}; "
        f"the longest has {longest} bases: set read_length: {longest} or less"
    )


def _differing_lengths(
    data: DataSettings, reference: Held, others: dict[str, Held | None]
) -> list[str]:
    """Describe the contigs that have the reference's name but not its length."""
    problems = []
    for path, held in others.items():
        lengths = {} if held is None else held.lengths
        wrong = [
            name
            for name in reference.names
            if lengths.get(name, 0) not in {0, reference.lengths[name]}
        ]
        if wrong:
            name, build = wrong[0], genome_build(lengths)
            problems.append(
                f"{path}: contig {held.names[name] if held else name} has {lengths[name]:,} bases, "
                f"in {data.reference} {reference.lengths[name]:,}"
                f" ({len(wrong)} contigs differ; builds: {build or 'unknown'} and "
                f"{genome_build(reference.lengths) or 'unknown'}); give files of one genome build"
            )
    return problems


def _files(data: DataSettings) -> pd.DataFrame:
    rows = [("reference", data.reference), ("ClinVar", data.clinvar)]
    for person in data.individuals:
        rows += [(f"{person.sample}: reads", person.reads)]
        rows += [(f"{person.sample}: variants", person.variants)]
    return pd.DataFrame(rows, columns=["role", "location"])


def _contigs(
    reference: Held, clinvar: Held, people: list[tuple[Held | None, Held | None]]
) -> pd.DataFrame:
    """List the contigs on which ClinVar and somebody have variants."""
    rows = []
    for name, spelling in reference.names.items():
        reads = {held.names.get(name, "") for held, _ in people if held}
        variants = {held.names.get(name, "") for _, held in people if held and name in held.records}
        if name in clinvar.records and variants:
            rows.append(
                {
                    "contig": spelling,
                    "length": reference.lengths[name],
                    "clinvar": clinvar.names[name],
                    "reads": ",".join(sorted(reads)),
                    "variants": ",".join(sorted(variants)),
                }
            )
    return pd.DataFrame(rows, columns=["contig", "length", "clinvar", "reads", "variants"])
