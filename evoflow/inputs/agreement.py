"""Whether the files speak of one genome: contigs, their lengths, their bases.

A contig on which a file disagrees with the reference is left out where most of the file agrees,
such as the mitochondrion of UCSC's hg19; a file that disagrees elsewhere is refused.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, TypeVar

import pysam

from evoflow.errors import InputError
from evoflow.files.htslib import Fasta, quiet
from evoflow.inputs import inventory
from evoflow.inputs.contigs import BUILDS, Genome, genome_build
from evoflow.inputs.inventory import Held, Regions
from evoflow.remote import local_files

_RECORDS = 200
"""Records of a contig whose REF is compared before the work."""

_TOLERATED = 0.001
"""Share of records whose REF may differ; a single one always may where others agree."""

SHOWN = 5
"""Records that a message names."""

_WIDTH = 20
"""Bases of an allele that a message shows."""


@dataclass(frozen=True)
class Differing:
    """Records whose REF is not what the reference has: how many, and the first few in words."""

    count: int = 0
    shown: tuple[str, ...] = ()

    def __add__(self, other: "Differing") -> "Differing":
        return Differing(self.count + other.count, (self.shown + other.shown)[:SHOWN])


class Compared(Protocol):
    """Records of a contig whose REF was compared with the reference."""

    @property
    def records(self) -> int:
        """How many there are."""

    @property
    def differing(self) -> Differing:
        """Those that differ."""


@dataclass(frozen=True)
class Looked:
    """The first records of a contig."""

    records: int
    differing: Differing


Table = TypeVar("Table", bound=Compared)


def contigs_of_another_length(
    reference: str, genome: Genome, path: str, held: Held, contigs: Iterable[str]
) -> dict[str, str]:
    """Find the contigs, of some, that have another length in a file than in the reference.

    Parameters
    ----------
    reference, genome
        The FASTA and its contigs.
    path, held
        The file and what it holds.
    contigs
        Those that matter.

    Returns
    -------
    dict
        By contig, why it is left out.

    Raises
    ------
    InputError
        When less of the reference agrees with the file than does not.
    """
    stated = {name: held.lengths[name] for name in contigs if name in held.lengths}
    wrong = [name for name in stated if stated[name] != genome.lengths[name]]
    if not wrong:
        return {}
    if 2 * sum(genome.lengths[name] for name in wrong) >= sum(
        genome.lengths[name] for name in stated
    ):
        name = wrong[0]
        builds = [genome_build(held.lengths) or "unknown", genome.build or "unknown"]
        raise InputError(
            f"{path}: its contig {held.spellings[name][0]} has {stated[name]:,} bases, that of "
            f"{reference} {genome.lengths[name]:,} ({len(wrong)} of {len(stated)} contigs differ; "
            f"their builds are {' and '.join(builds)}); give files of one genome build"
        )
    return {
        name: f"it has {stated[name]:,} bases in {path}, {genome.lengths[name]:,} in {reference}"
        for name in wrong
    }


def stale_build(path: str, genome: Genome) -> str | None:
    """Say that a VCF's header names another build than the reference's, whose bases it has."""
    with quiet(), pysam.VariantFile(path) as variants:
        named = [line.value or "" for line in variants.header.records if line.key == "reference"]
    others = {other for other in BUILDS if any(other in value for value in named)}
    if genome.build is None or not others or genome.build in others:
        return None
    return (
        f"{path}: its header names {', '.join(sorted(others))}, but its records have the bases of "
        f"{genome.build}, which the reference is"
    )


def first_records(reference: str, path: str, held: Held, regions: Regions) -> dict[str, Looked]:
    """Compare the REF of the first records of each contig, within some regions, with the reference.

    Raises
    ------
    InputError
        When the index lists records where none is.
    """
    listed = inventory.usable_contigs(regions, held)
    local_files.provide_reference(reference, listed)
    looked = {}
    with quiet(), Fasta(reference) as genome, pysam.VariantFile(path) as variants:
        for contig in listed:
            number, differing = 0, []
            for spelling in held.spellings[contig]:
                whole = regions[contig] == ((0, genome.get_reference_length(contig)),)
                records = (
                    _all_of(variants, path, spelling)
                    if whole
                    else _within(variants, path, spelling, regions[contig])
                )
                for record in islice(records, _RECORDS):
                    number += 1
                    ref = (record.ref or "").upper()
                    start = record.pos - 1
                    end = min(start + len(ref), genome.get_reference_length(contig))
                    bases = genome.fetch(contig, start, end).upper() if 0 <= start < end else ""
                    if not _agree(ref, bases):
                        differing.append(difference(spelling, record.pos, ref, bases))
            looked[contig] = Looked(number, Differing(len(differing), tuple(differing[:SHOWN])))
    return looked


def _all_of(variants: pysam.VariantFile, path: str, spelling: str) -> Iterator[pysam.VariantRecord]:
    """Yield a contig's records; one at least, for the index lists some."""
    local_files.provide_start(path, spelling)
    number = 0
    for record in _readable(variants, path, spelling):
        number += 1
        yield record
    if not number:
        raise InputError(
            f"{path}: gives no record of {spelling}, which its index lists; make the index again"
        )


def _within(
    variants: pysam.VariantFile, path: str, spelling: str, intervals: Sequence[tuple[int, int]]
) -> Iterator[pysam.VariantRecord]:
    local_files.provide_contig(path, spelling, intervals)
    for interval in intervals:
        yield from _readable(variants, path, spelling, *interval)


def _readable(
    variants: pysam.VariantFile,
    path: str,
    spelling: str,
    start: int | None = None,
    end: int | None = None,
) -> Iterator[pysam.VariantRecord]:
    before = start or 0
    try:
        for record in variants.fetch(spelling, start, end):
            before = record.pos
            yield record
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: the first record behind {spelling}:{before} cannot be read ({error}); "
            "correct it, and make the index again"
        ) from None


def difference(contig: str, position: int, ref: str, bases: str) -> str:
    """Say how a record differs from the bases of the reference; long alleles are cut."""
    there = f"not {_cut(bases)}" if bases else "where the reference has no base"
    return f"{contig}:{position} has {_cut(ref)}, {there}"


def _cut(bases: str) -> str:
    return bases if len(bases) <= _WIDTH else f"{bases[:_WIDTH]}... ({len(bases):,} bases)"


def contigs_of_other_bases(
    reference: str, path: str, compared: Mapping[str, Compared]
) -> dict[str, str]:
    """Find the contigs on which a file's REF is not what the reference has.

    Parameters
    ----------
    reference, path
        The FASTA, and the VCF or BCF.
    compared
        By contig, how many records were compared and which differ.

    Returns
    -------
    dict
        By contig, why it is left out.

    Raises
    ------
    InputError
        When most of the file's records are on such contigs.
    """
    looked = sum(each.records for each in compared.values())
    total = sum((each.differing for each in compared.values()), Differing())
    if _are_few(total, looked):
        return {}
    wrong = {
        name: each for name, each in compared.items() if not _are_few(each.differing, each.records)
    }
    agreeing = looked - sum(each.records for each in wrong.values())
    if not wrong or 2 * agreeing <= looked:
        raise InputError(
            f"{path}: REF differs from {reference} in {total.count} of {looked} records: "
            f"{'; '.join(total.shown)}; give the FASTA that it was made with"
        )
    return {
        name: f"REF of {path} differs from {reference} in {each.differing.count} of "
        f"{each.records} records: {'; '.join(each.differing.shown)}"
        for name, each in wrong.items()
    }


def _are_few(differing: Differing, looked: int) -> bool:
    if not differing.count:
        return True
    return differing.count < looked and differing.count <= max(1, _TOLERATED * looked)


def _agree(ref: str, bases: str) -> bool:
    """Whether REF may be the reference's bases; ambiguity codes agree with every base.

    N alone agrees with no base too: a breakend at a telomere has it before or behind the contig.
    """
    if set(ref) == {"N"}:
        return True
    return len(ref) == len(bases) and all(
        one == other or one not in "ACGT" or other not in "ACGT"
        for one, other in zip(ref, bases, strict=True)
    )
