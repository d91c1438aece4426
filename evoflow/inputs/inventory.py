"""Which contigs each file holds, matched by name whatever their spelling."""

from collections.abc import Mapping
from dataclasses import dataclass

import pysam
import pysam.bcftools

from evoflow.errors import InputError
from evoflow.htslib import output, quiet
from evoflow.inputs.contigs import canonical_name, parse_region
from evoflow.settings import DataSettings


@dataclass(frozen=True)
class Held:
    """The contigs of one file.

    Attributes
    ----------
    names
        Canonical name to the file's own spelling.
    lengths
        Canonical name to length; contigs whose length the file does not give are absent.
    records
        Canonical names of those that have records.
    """

    names: Mapping[str, str]
    lengths: Mapping[str, int]
    records: frozenset[str]


def held_by_reference(path: str) -> Held:
    """List the contigs of a FASTA."""
    with quiet(), pysam.FastaFile(path) as genome:
        return _held(dict(zip(genome.references, genome.lengths, strict=True)))


def held_by_reads(path: str) -> Held:
    """List the contigs of a BAM or CRAM."""
    with quiet(), pysam.AlignmentFile(path, check_sq=False) as reads:
        held = _held(dict(zip(reads.references, reads.lengths, strict=True)))
        if reads.is_cram:  # its index does not count
            return held
        counts = reads.get_index_statistics()
    with_reads = frozenset(canonical_name(each.contig) for each in counts if each.mapped)
    return Held(held.names, held.lengths, with_reads)


def held_by_variants(path: str) -> Held:
    """List the contigs of a VCF or BCF."""
    with quiet(), pysam.VariantFile(path) as variants:
        lengths = {contig.name: contig.length or 0 for contig in variants.header.contigs.values()}
    listed = [
        line.split("\t")[0]
        for line in output(pysam.bcftools.index, "-s", path, about=path).splitlines()
    ]
    held = _held(lengths | {name: lengths.get(name, 0) for name in listed})
    return Held(held.names, held.lengths, frozenset(map(canonical_name, listed)))


def _held(lengths: Mapping[str, int]) -> Held:
    names: dict[str, str] = {}
    for name in lengths:
        names.setdefault(canonical_name(name), name)
    known = {canonical_name(name): length for name, length in lengths.items() if length}
    return Held(names, known, frozenset(names))


def regions_of(data: DataSettings, reference: Held) -> dict[str, tuple[tuple[int, int], ...]]:
    """List the intervals to stay within, by canonical contig of the reference.

    Returns
    -------
    dict
        0-based, half-open intervals, sorted and merged; whole contigs where no regions are set.

    Raises
    ------
    InputError
        With every region that is malformed or lies outside the reference.
    """
    if data.regions is None:
        return {name: ((0, length),) for name, length in reference.lengths.items()}
    intervals: dict[str, list[tuple[int, int]]] = {}
    problems: list[str] = []
    for text in data.regions:
        try:
            region = parse_region(text)
        except InputError as error:
            problems += error.problems
            continue
        name = canonical_name(region.contig)
        length = reference.lengths.get(name)
        if length is None:
            known = ", ".join(list(reference.names.values())[:10])
            problems.append(f"regions: {text!r} is on no contig of {data.reference} ({known})")
        elif (region.end or 0) > length or region.start >= length:
            problems.append(
                f"regions: {text!r} reaches behind the end of the contig, at {length:,}"
            )
        else:
            intervals.setdefault(name, []).append((region.start, region.end or length))
    if problems:
        raise InputError(problems)
    return {name: _merged(parts) for name, parts in intervals.items()}


def _merged(intervals: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return tuple(merged)


def usable_contigs(reference: Held, regions: Mapping[str, object], *others: Held) -> list[str]:
    """List the canonical names of contigs with records everywhere, in the reference's order."""
    return [
        name
        for name in reference.names
        if name in regions and all(name in held.records for held in others)
    ]
