"""Every input checked together, before any work."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice

import pandas as pd
import pysam

from evoflow.errors import InputError
from evoflow.htslib import quiet
from evoflow.inputs import agreement, inventory, readable, refusals
from evoflow.inputs.contigs import canonical_name, genome_build, parse_region
from evoflow.inputs.inventory import Held
from evoflow.remote import local_files
from evoflow.settings import DataSettings, Individual

_SAMPLED = 100
"""Reads of a contig whose length is looked at."""

_LOOKED_AT = 25
"""Contigs whose reads are looked at, the longest: references may have thousands of short ones."""


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
    local, unreachable = local_files.localise_reachable(data)
    with local_files.urls_named(data, local):
        inputs = _check(local, unreachable)
    return replace(inputs, files=_files(data))


def _check(data: DataSettings, problems: list[str]) -> Inputs:
    """Check local files, beside problems that are known already."""
    warnings: list[str] = []
    reference = clinvar = None
    with _collected(problems):
        warnings += readable.check_reference(str(data.reference))
        reference = inventory.held_by_reference(str(data.reference))
    with _collected(problems):
        warnings += readable.check_variants(str(data.clinvar))
        readable.check_clinvar_fields(str(data.clinvar))
        clinvar = inventory.held_by_variants(str(data.clinvar))
    people = [_check_individual(person, data, problems, warnings) for person in data.individuals]
    if reference is not None:
        problems += _disagreements(data, reference, clinvar, people)
    if reference is not None and clinvar is not None and not problems:
        if data.haplotypes:
            problems += _no_contig(data, reference, {str(data.clinvar): clinvar})
        for person, (reads, variants) in zip(data.individuals, people, strict=True):
            if reads is not None and variants is not None:
                own = {person.reads: reads, person.variants: variants}
                problems += _no_contig(data, reference, {str(data.clinvar): clinvar} | own)
                warnings += _left_out(data, person, reference, clinvar, variants)
    if problems or reference is None or clinvar is None:
        raise InputError(problems)
    return Inputs(
        files=_files(data),
        contigs=_contigs(reference, clinvar, people),
        genome_build=genome_build(reference.lengths),
        warnings=tuple(warnings),
    )


def check_individuals(data: DataSettings) -> None:
    """Check the reference and the individuals' files, as `check` does, without ClinVar.

    Raises
    ------
    InputError
        With all problems that were found.
    """
    problems: list[str] = []
    if not data.individuals:
        problems.append("data.individuals: there is nobody; name a sample, its reads and variants")
    reference = None
    with _collected(problems):
        readable.check_reference(str(data.reference))
        reference = inventory.held_by_reference(str(data.reference))
    people = [_check_individual(person, data, problems, []) for person in data.individuals]
    if reference is not None:
        problems += _disagreements(data, reference, None, people)
    if problems:
        raise InputError(problems)


def _disagreements(
    data: DataSettings,
    reference: Held,
    clinvar: Held | None,
    people: list[tuple[Held | None, Held | None]],
) -> list[str]:
    """Say where the files do not speak of one genome."""
    path = str(data.reference)
    problems: list[str] = []
    regions: Mapping[str, object] = {}
    with _collected(problems):
        regions = inventory.regions_of(data, reference)
    files: dict[str, tuple[Held | None, bool]] = {str(data.clinvar): (clinvar, True)}
    for person, (reads, variants) in zip(data.individuals, people, strict=True):
        files |= {person.reads: (reads, False), person.variants: (variants, True)}
        if clinvar and variants and not variants.records & clinvar.records:
            problems.append(refusals.nothing_in_common(data, person, variants, clinvar))
    for other, (held, has_bases) in files.items():
        if held is not None:
            problem = agreement.differing_lengths(path, reference, other, held)
            if has_bases:
                problem = problem or agreement.differing_build(path, reference, other)
                problem = problem or agreement.differing_bases(
                    path, reference, other, held, regions
                )
            problems += [problem] if problem else []
    return problems


def _no_contig(data: DataSettings, reference: Held, files: dict[str, Held]) -> list[str]:
    """Say that no contig has all that an individual needs, and which file has which."""
    regions = inventory.regions_of(data, reference)
    if inventory.usable_contigs(reference, regions, *files.values()):
        return []
    having = "; ".join(f"{path} has {refusals.listed(held)}" for path, held in files.items())
    within = f" within regions {', '.join(data.regions)}" if data.regions else ""
    ours = f"no contig of {data.reference} ({refusals.listed(reference)}){within}"
    return [f"{ours} has records in all files: {having}; give files that cover the same contigs"]


def _left_out(
    data: DataSettings, person: Individual, reference: Held, clinvar: Held, variants: Held
) -> list[str]:
    """Name the contigs with variants that ClinVar lists and the reference lacks."""
    lacking = (variants.records & clinvar.records) - set(reference.names)
    names = sorted(variants.names[name] for name in lacking)
    if data.regions is not None or not names:
        return []
    where = ", ".join(names)
    left = f"the variants of {person.sample!r} there are left out"
    return [f"{data.reference} has no contig {where}: {left}"]


@contextmanager
def _collected(problems: list[str]) -> Iterator[None]:
    """Collect the problems of an error instead of stopping at it."""
    try:
        yield
    except InputError as error:
        problems += error.problems


def _check_individual(
    person: Individual, data: DataSettings, problems: list[str], warnings: list[str]
) -> tuple[Held | None, Held | None]:
    """Check one person's files; what a broken file holds is None."""
    reads = variants = None
    with _collected(problems):
        warnings += readable.check_reads(person.reads)
        reads = inventory.held_by_reads(person.reads)
        warnings += _sample_warnings(person)
        _check_read_lengths(person, data, reads)
    with _collected(problems):
        warnings += readable.check_variants(person.variants)
        readable.check_sample(person)
        variants = inventory.held_by_variants(person.variants)
    return reads, variants


def _sample_warnings(person: Individual) -> list[str]:
    with quiet(), pysam.AlignmentFile(person.reads, check_sq=False) as reads:
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


def _check_read_lengths(person: Individual, data: DataSettings, held: Held) -> None:
    within = {
        canonical_name(parse_region(region).contig) for region in data.regions or held.records
    }
    by_length = sorted(held.records & within, key=lambda name: (-held.lengths.get(name, 0), name))
    contigs = [held.names[name] for name in by_length[:_LOOKED_AT]]
    for contig in contigs:
        local_files.provide_start(person.reads, contig)
    if person.reads.endswith(".cram"):
        local_files.provide_reference(str(data.reference), contigs)
    with (
        quiet(),
        pysam.AlignmentFile(
            person.reads, check_sq=False, reference_filename=data.reference
        ) as reads,
    ):
        lengths = [
            read.query_length
            for contig in contigs
            for read in islice(reads.fetch(contig), _SAMPLED)
        ]
    longest = max(lengths, default=0)
    if not lengths:
        raise InputError(f"{person.reads}: holds no read; give a file with reads")
    if longest < data.read_length:
        raise InputError(refusals.all_reads_shorter(person, data, longest))


def _files(data: DataSettings) -> pd.DataFrame:
    rows = [("reference", data.reference), ("ClinVar", data.clinvar)]
    for person in data.individuals:
        rows += [(f"{person.sample}: reads", person.reads)]
        rows += [(f"{person.sample}: variants", person.variants)]
    return pd.DataFrame(rows, columns=["role", "location"])


def _contigs(
    reference: Held, clinvar: Held, people: list[tuple[Held | None, Held | None]]
) -> pd.DataFrame:
    """List the contigs on which ClinVar and, if there is anybody, somebody have variants."""
    rows = []
    for name, spelling in reference.names.items():
        reads = {held.names.get(name, "") for held, _ in people if held}
        variants = {held.names.get(name, "") for _, held in people if held and name in held.records}
        if name in clinvar.records and (variants or not people):
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
