"""Whether the files speak of one genome: contigs, their lengths, their build, their bases."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import pysam

from evoflow.errors import InputError
from evoflow.htslib import quiet
from evoflow.inputs import inventory
from evoflow.inputs.contigs import BUILDS, genome_build
from evoflow.inputs.inventory import Held
from evoflow.remote import local_files

_RECORDS = 200
"""Records of a contig whose REF is compared."""

_TOLERATED = 0.001
"""Share of records whose REF may differ."""

SHOWN = 5
"""Records that a message names."""


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


def differing_lengths(reference_path: str, reference: Held, path: str, held: Held) -> str | None:
    """Say which contigs have the reference's name but not its length."""
    lengths = reference.lengths
    shared = [name for name in held.lengths if name in lengths]
    wrong = [name for name in shared if held.lengths[name] != lengths[name]]
    if not wrong:
        return None
    name, builds = wrong[0], [genome_build(each) or "unknown" for each in (held.lengths, lengths)]
    return (
        f"{path}: its contig {held.names[name]} has {held.lengths[name]:,} bases, that of "
        f"{reference_path} {lengths[name]:,} ({len(wrong)} of {len(shared)} contigs differ; their "
        f"builds are {' and '.join(builds)}); give files of one genome build"
    )


def differing_build(reference_path: str, reference: Held, path: str) -> str | None:
    """Compare the build that a VCF's header names with the reference's."""
    build = genome_build(reference.lengths)
    with quiet(), pysam.VariantFile(path) as variants:
        named = [line.value or "" for line in variants.header.records if line.key == "reference"]
    others = {other for other in BUILDS if any(other in value for value in named)}
    if build is None or not others or build in others:
        return None
    return (
        f"{path}: its header names {', '.join(sorted(others))}, but {reference_path} is {build}; "
        "give files of one genome build"
    )


def differing_bases(
    reference_path: str, reference: Held, path: str, held: Held, regions: Mapping[str, object]
) -> str | None:
    """Compare the REF of the first records of each contig with the reference.

    Parameters
    ----------
    reference_path, path
        FASTA, and VCF or BCF.
    reference, held
        What they hold.
    regions
        By canonical name, the contigs to look at.
    """
    contigs = inventory.usable_contigs(reference, regions, held)
    local_files.provide_reference(reference_path, [reference.names[name] for name in contigs])
    looked, differing = 0, []
    with quiet(), pysam.FastaFile(reference_path) as genome, pysam.VariantFile(path) as variants:
        for name in contigs:
            local_files.provide_start(path, held.names[name])
            for record in islice(variants.fetch(held.names[name]), _RECORDS):
                looked += 1
                ref = (record.ref or "").upper()
                start, end = record.pos - 1, record.pos - 1 + len(ref)
                bases = genome.fetch(reference.names[name], start, end).upper()
                if not _agree(ref, bases):
                    differing.append(f"{record.chrom}:{record.pos} has {ref}, not {bases or 'it'}")
    shown = Differing(len(differing), tuple(differing[:SHOWN]))
    return too_many_differ(reference_path, path, shown, looked)


def too_many_differ(
    reference_path: str, path: str, differing: Differing, looked: int
) -> str | None:
    """Say which records have another REF than the reference, if these are too many of all."""
    if differing.count <= _TOLERATED * looked:
        return None
    return (
        f"{path}: REF differs from {reference_path} in {differing.count} of {looked} records: "
        f"{'; '.join(differing.shown)}; give the FASTA that it was made with"
    )


def refuse_another_reference(reference: str, compared: Mapping[str, Iterable[Compared]]) -> None:
    """Stop where more records of a file than a few have another REF than the reference.

    Parameters
    ----------
    reference
        The FASTA.
    compared
        By file, what its contigs have.

    Raises
    ------
    InputError
        With a problem per file.
    """
    problems = []
    for path, tables in compared.items():
        listed = list(tables)
        differing = sum((each.differing for each in listed), Differing())
        looked = sum(each.records for each in listed)
        problem = too_many_differ(reference, path, differing, looked)
        problems += [problem] if problem else []
    if problems:
        raise InputError(problems)


def _agree(ref: str, bases: str) -> bool:
    """Whether REF may be the reference's bases; ambiguity codes agree with every base."""
    return len(ref) == len(bases) and all(
        one == other or one not in "ACGT" or other not in "ACGT"
        for one, other in zip(ref, bases, strict=True)
    )
