"""Which contigs each file holds, matched by name whatever their spelling."""

from collections.abc import Mapping
from dataclasses import dataclass

import pysam
import pysam.bcftools

from evoflow.extract.contigs import canonical, parse_region
from evoflow.extract.htslib import output
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
    with pysam.FastaFile(path) as genome:
        return _held(dict(zip(genome.references, genome.lengths, strict=True)))


def held_by_reads(path: str) -> Held:
    """List the contigs of a BAM or CRAM."""
    with pysam.AlignmentFile(path, check_sq=False) as reads:
        held = _held(dict(zip(reads.references, reads.lengths, strict=True)))
        if reads.is_cram:  # its index does not count
            return held
        counts = reads.get_index_statistics()
    with_reads = frozenset(canonical(each.contig) for each in counts if each.mapped)
    return Held(held.names, held.lengths, with_reads)


def held_by_variants(path: str) -> Held:
    """List the contigs of a VCF or BCF."""
    with pysam.VariantFile(path) as variants:
        lengths = {contig.name: contig.length or 0 for contig in variants.header.contigs.values()}
    listed = [
        line.split("\t")[0]
        for line in output(pysam.bcftools.index, "-s", path, about=path).splitlines()
    ]
    held = _held(lengths | {name: lengths.get(name, 0) for name in listed})
    return Held(held.names, held.lengths, frozenset(map(canonical, listed)))


def _held(lengths: Mapping[str, int]) -> Held:
    names: dict[str, str] = {}
    for name in lengths:
        names.setdefault(canonical(name), name)
    known = {canonical(name): length for name, length in lengths.items() if length}
    return Held(names, known, frozenset(names))


def regions_of(data: DataSettings, reference: Held) -> dict[str, tuple[tuple[int, int], ...]]:
    """Intervals to stay within, 0-based and half-open, by canonical contig of the reference."""
    if data.regions is None:
        return {name: ((0, length),) for name, length in reference.lengths.items()}
    intervals: dict[str, tuple[tuple[int, int], ...]] = {}
    for region in map(parse_region, data.regions):
        name = canonical(region.contig)
        length = reference.lengths.get(name, 0)
        end = length if region.end is None else min(region.end, length)
        if region.start < end:
            intervals[name] = (*intervals.get(name, ()), (region.start, end))
    return intervals
