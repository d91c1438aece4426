"""Every input checked together, before any work."""

from dataclasses import dataclass, field, replace

import pandas as pd
import pysam

from evoflow.errors import InputError, collected, printable
from evoflow.files.htslib import quiet
from evoflow.inputs import agreement, inventory, readable, refusals
from evoflow.inputs.consequence_field import check_consequence_field
from evoflow.inputs.contigs import Genome
from evoflow.inputs.first_reads import check_first_reads
from evoflow.inputs.headers import fields_of, is_called
from evoflow.inputs.inventory import Held, Regions
from evoflow.remote import local_files
from evoflow.settings import DataSettings, Individual


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
    warnings = tuple(local_files.with_urls(each, data, local) for each in inputs.warnings)
    return replace(inputs, files=_files(data), warnings=warnings)


@dataclass
class _Findings:
    """What is found while the files are looked at."""

    data: DataSettings
    problems: list[str]
    warnings: list[str] = field(default_factory=list)
    genome: Genome = field(default_factory=lambda: Genome({}))
    regions: Regions = field(default_factory=dict)


@dataclass(frozen=True)
class _Person:
    """An individual's files; what a broken one holds is None."""

    individual: Individual
    reads: Held | None
    variants: Held | None


def _check(data: DataSettings, problems: list[str]) -> Inputs:
    """Check local files, beside problems that are known already."""
    found = _Findings(data, problems)
    _look_at_reference(found)
    clinvar = None
    with collected(found.problems):
        found.warnings += readable.check_variants(str(data.clinvar))
        readable.check_clinvar_fields(str(data.clinvar), data.consequence_field)
        clinvar = inventory.held_by_variants(str(data.clinvar), found.genome)
    people = [_person(person, found) for person in data.individuals]
    with collected(found.problems):
        readable_files = [str(data.clinvar)] if clinvar is not None else []
        readable_files += [each.individual.variants for each in people if each.variants is not None]
        found.warnings += check_consequence_field(data, readable_files)
    left_out: set[str] = set()
    if clinvar is not None:
        left_out |= _left_out(str(data.clinvar), clinvar, found)
    for person in people:
        left_out |= _of_person_left_out(person, found)
    if clinvar is not None and not found.problems:
        _refuse_nothing_in_common(clinvar, people, found)
    if found.problems or clinvar is None:
        raise InputError(found.problems)
    return Inputs(
        files=_files(data),
        contigs=_contigs(found.genome, left_out, clinvar, people),
        genome_build=found.genome.build,
        warnings=tuple(map(printable, found.warnings)),
    )


def check_individuals(data: DataSettings) -> list[str]:
    """Check the reference and the individuals' files as `check` does, and that ClinVar's is read.

    Returns
    -------
    list of str
        Warnings.

    Raises
    ------
    InputError
        With all problems that were found.
    """
    found = _Findings(data, [])
    if not data.individuals:
        found.problems.append("data.individuals: is empty; name a sample, its reads and variants")
    _look_at_reference(found)
    with collected(found.problems):
        found.warnings += readable.check_variants(str(data.clinvar))
    for person in data.individuals:
        looked = _person(person, found)
        _of_person_left_out(looked, found)
    if found.problems:
        raise InputError(found.problems)
    return list(map(printable, found.warnings))


def _look_at_reference(found: _Findings) -> None:
    """Check the FASTA and the regions; a broken one has no contig."""
    path = str(found.data.reference)
    with collected(found.problems):
        found.warnings += readable.check_reference(path)
        found.genome = inventory.read_genome(path)
        found.regions = inventory.regions_of(found.data, found.genome)


def _person(person: Individual, found: _Findings) -> _Person:
    """Check one person's files."""
    reads = variants = None
    with collected(found.problems):
        found.warnings += readable.check_reads(person.reads)
        reads = inventory.held_by_reads(person.reads, found.genome)
        found.warnings += _sample_warnings(person)
        if found.regions:
            check_first_reads(person, found.data, found.genome, reads, found.regions)
    with collected(found.problems):
        found.warnings += readable.check_variants(person.variants)
        readable.check_sample(person)
        variants = inventory.held_by_variants(person.variants, found.genome)
    return _Person(person, reads, variants)


def _of_person_left_out(person: _Person, found: _Findings) -> set[str]:
    left_out: set[str] = set()
    if person.reads is not None:
        path = person.individual.reads
        with collected(found.problems):
            wrong = agreement.contigs_of_another_length(
                str(found.data.reference),
                found.genome,
                path,
                person.reads,
                inventory.usable_contigs(found.regions, person.reads),
            )
            found.warnings += _warnings(path, wrong)
            left_out |= set(wrong)
    if person.variants is not None:
        left_out |= _left_out(person.individual.variants, person.variants, found)
    return left_out


def _left_out(path: str, held: Held, found: _Findings) -> set[str]:
    """Find the contigs on which a VCF disagrees with the reference, and warn of them."""
    reference, genome, regions = str(found.data.reference), found.genome, found.regions
    if genome.lengths and held.foreign and found.data.regions is None:
        where = refusals.shortened(f"{name} ({n:,})" for name, n in held.foreign.items())
        found.warnings.append(
            f"{path}: {sum(held.foreign.values()):,} records are left out, because {reference} has "
            f"no contig {where}"
        )
    if not regions or not set(held.records) & set(regions):
        return set()
    wrong: dict[str, str] = {}
    with collected(found.problems):
        listed = inventory.usable_contigs(regions, held)
        wrong |= agreement.contigs_of_another_length(reference, genome, path, held, listed)
        rest = {name: regions[name] for name in listed if name not in wrong}
        looked = agreement.first_records(reference, path, held, rest)
        wrong |= agreement.contigs_of_other_bases(reference, path, looked)
        single = [
            each.differing.shown[0]
            for name, each in looked.items()
            if each.differing.count and name not in wrong
        ]
        if single:
            found.warnings.append(
                f"{path}: REF differs from {reference} in {refusals.shortened(single)}; such "
                "records are left out"
            )
        stale = agreement.stale_build(path, genome)
        found.warnings += [stale] if stale else []
    found.warnings += _warnings(path, wrong)
    return set(wrong)


def _warnings(path: str, wrong: dict[str, str]) -> list[str]:
    return [f"{path}: contig {name} is left out: {why}" for name, why in wrong.items()]


def _refuse_nothing_in_common(clinvar: Held, people: list[_Person], found: _Findings) -> None:
    """Say where no contig has all that is needed, and which file has which."""
    data, regions = found.data, found.regions
    needed = [{str(data.clinvar): clinvar}] if data.haplotypes else []
    for person in people:
        if person.reads is None or person.variants is None:
            continue
        own = {person.individual.reads: person.reads, person.individual.variants: person.variants}
        if not set(person.variants.names_with_records()) & set(clinvar.names_with_records()) and (
            not person.variants.records.keys() & clinvar.records.keys()
        ):
            found.problems.append(
                refusals.nothing_in_common(data, person.individual, person.variants, clinvar)
            )
        else:
            needed.append({str(data.clinvar): clinvar} | own)
    for files in needed:
        if inventory.usable_contigs(regions, *files.values()):
            continue
        having = "; ".join(f"{path} has {refusals.listed(held)}" for path, held in files.items())
        genome = f"{data.reference} ({refusals.shortened(found.genome.lengths)})"
        ours = f"no contig of {genome}{refusals.within(data)}"
        found.problems.append(
            f"{ours} has records in all files: {having}; give files that cover the same contigs"
        )


def _sample_warnings(person: Individual) -> list[str]:
    with quiet(), pysam.AlignmentFile(person.reads, check_sq=False) as reads:
        groups = fields_of(reads.header, "RG")
    samples = sorted({group["SM"] for group in groups if group.get("SM")})
    if samples and not any(is_called(sample, person.sample) for sample in samples):
        return [
            (
                f"{person.reads}: its read groups name {refusals.shortened(samples)}, the settings "
                f"{person.sample!r}; make sure that reads and variants are of one person"
            )
        ]
    return []


def _files(data: DataSettings) -> pd.DataFrame:
    rows = [("reference", data.reference), ("ClinVar", data.clinvar)]
    for person in data.individuals:
        rows += [(f"{person.sample}: reads", person.reads)]
        rows += [(f"{person.sample}: variants", person.variants)]
    return pd.DataFrame(rows, columns=["role", "location"])


def _contigs(
    genome: Genome, left_out: set[str], clinvar: Held, people: list[_Person]
) -> pd.DataFrame:
    """List the contigs on which ClinVar and, if there is anybody, somebody have variants."""
    rows = []
    for contig, length in genome.lengths.items():
        reads = {_spelled(person.reads, contig) for person in people}
        variants = {
            _spelled(person.variants, contig)
            for person in people
            if person.variants and contig in person.variants.records
        }
        if contig in clinvar.records and contig not in left_out and (variants or not people):
            rows.append(
                {
                    "contig": contig,
                    "length": length,
                    "clinvar": _spelled(clinvar, contig),
                    "reads": ",".join(sorted(reads)),
                    "variants": ",".join(sorted(variants)),
                }
            )
    return pd.DataFrame(rows, columns=["contig", "length", "clinvar", "reads", "variants"])


def _spelled(held: Held | None, contig: str) -> str:
    return ",".join(held.spellings.get(contig, ())) if held else ""
