"""Which contigs each file holds, all called as the reference calls them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pysam
import pysam.bcftools

from evoflow.errors import InputError
from evoflow.files.htslib import output, quiet
from evoflow.inputs.contigs import Genome, parse_region
from evoflow.inputs.readable import find_index
from evoflow.remote.byte_ranges import read_index
from evoflow.settings import DataSettings

_CONTIG = re.compile(r"##contig=<ID=([^,>]+)")
_LENGTH = re.compile(r"[<,]length=(\d+)")

Regions = Mapping[str, tuple[tuple[int, int], ...]]
"""By contig of the reference, the 0-based, half-open intervals to stay within."""


@dataclass(frozen=True)
class Held:
    """The contigs of one file.

    Attributes
    ----------
    spellings
        By contig of the reference, the file's names for it, those with most records first.
    lengths
        By contig of the reference, the length that the file states; absent where it does not.
    records
        By contig of the reference, how many records it has there; absent where it has none. An
        index that does not count gives 1.
    foreign
        By name in the file, the records on contigs that the reference does not have.
    """

    spellings: Mapping[str, tuple[str, ...]]
    lengths: Mapping[str, int]
    records: Mapping[str, int]
    foreign: Mapping[str, int]

    def names_with_records(self) -> list[str]:
        """List the contigs with records, as the file names them."""
        ours = [name for contig in self.records for name in self.spellings[contig]]
        return [*ours, *self.foreign]


def read_genome(path: str) -> Genome:
    """List the contigs of a FASTA."""
    with quiet(), pysam.FastaFile(path) as fasta:
        return Genome(dict(zip(fasta.references, fasta.lengths, strict=True)))


def held_by_reads(path: str, genome: Genome) -> Held:
    """List the contigs of a BAM or CRAM."""
    with quiet(), pysam.AlignmentFile(path, check_sq=False) as reads:
        lengths = dict(zip(reads.references, reads.lengths, strict=True))
        counts: dict[str, int] = {}
        if not reads.is_cram:  # whose index does not count
            counts = {each.contig: each.mapped for each in reads.get_index_statistics()}
    if not any(counts.values()):
        counts = dict.fromkeys(_listed_in_index(path, list(lengths)), 1)
    return held_of(genome, lengths, counts)


def held_by_variants(path: str, genome: Genome) -> Held:
    """List the contigs of a VCF or BCF."""
    lengths = lengths_in_header(path)
    try:
        listed = output(pysam.bcftools.index, "-s", path, about=path).splitlines()
        columns = [line.rsplit("\t", 2) for line in listed]
        counts = {name: int(number) for name, _, number in columns}
    except (InputError, ValueError):  # an index of other software, without counts
        counts = {}
    if not counts:
        counts = dict.fromkeys(_listed_in_index(path, list(lengths)), 1)
    return held_of(genome, lengths, counts)


def lengths_in_header(path: str) -> dict[str, int]:
    """List the contigs of a VCF's or BCF's header, with their lengths; 0 where it does not say."""
    with quiet(), pysam.VariantFile(path) as variants:
        text = str(variants.header)  # for its contigs' names must be UTF-8 to be listed
    lengths = {}
    for line in text.splitlines():
        if (named := _CONTIG.match(line)) is not None:
            length = _LENGTH.search(line)
            lengths[named[1]] = int(length[1]) if length else 0
    return lengths


def _listed_in_index(path: str, names: list[str]) -> list[str]:
    """List the contigs for which an index has a place in the file."""
    index = read_index(find_index(path, "samtools index").resolve())
    named = index.names or tuple(names)
    return [name for name, pieces in zip(named, index.pieces, strict=False) if len(pieces)]


def held_of(genome: Genome, lengths: Mapping[str, int], counts: Mapping[str, int]) -> Held:
    """Call contigs as the reference does.

    Parameters
    ----------
    genome
        The reference.
    lengths, counts
        By the file's own names: lengths, 0 where unknown, and numbers of records.
    """
    spellings: dict[str, list[str]] = {}
    foreign: dict[str, int] = {}
    stated = {name: lengths.get(name, 0) for name in (*lengths, *counts)}
    for name in sorted(stated, key=lambda name: -counts.get(name, 0)):
        contig = genome.find(name, stated[name])
        if contig is not None:
            spellings.setdefault(contig, []).append(name)
        elif counts.get(name):
            foreign[name] = counts[name]
    records = {
        contig: sum(counts.get(name, 0) for name in spellings[contig])
        for contig in genome.lengths
        if contig in spellings
    }
    return Held(
        # Beside names with records, those without would be looked up for nothing.
        {
            contig: tuple(name for name in names if counts.get(name)) or (names[0],)
            for contig, names in spellings.items()
        },
        {contig: stated[names[0]] for contig, names in spellings.items() if stated[names[0]]},
        {contig: number for contig, number in records.items() if number},
        foreign,
    )


def regions_of(data: DataSettings, genome: Genome) -> Regions:
    """List the intervals to stay within, by contig of the reference.

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
        return {name: ((0, length),) for name, length in genome.lengths.items()}
    intervals: dict[str, list[tuple[int, int]]] = {}
    problems: list[str] = []
    for text in data.regions:
        try:
            region = parse_region(text)
        except InputError as error:
            problems += error.problems
            continue
        name = genome.find(region.contig)
        if name is None:
            known = ", ".join(list(genome.lengths)[:10])
            problems.append(f"regions: {text!r} is not on any contig of {data.reference} ({known})")
            continue
        length = genome.lengths[name]
        if (region.end or 0) > length or region.start >= length:
            problems.append(f"regions: {text!r} ends after the end of the contig, at {length:,}")
        else:
            intervals.setdefault(name, []).append((region.start, region.end or length))
    if problems:
        raise InputError(problems)
    return {name: _merged(intervals[name]) for name in genome.lengths if name in intervals}


def _merged(intervals: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return tuple(merged)


def usable_contigs(contigs: Iterable[str], *files: Held) -> list[str]:
    """List those of some contigs that have records in all files."""
    return [name for name in contigs if all(name in held.records for held in files)]
