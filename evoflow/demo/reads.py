"""Simulated sequencing: paired reads of two haplotypes, aligned where they come from."""

from collections.abc import Sequence
from functools import cache
from itertools import groupby, repeat
from operator import itemgetter
from typing import NamedTuple

import numpy as np
import pysam
from numpy.random import Generator
from numpy.typing import NDArray

from evoflow.demo.chromosomes import Haplotype, align, make_haplotype
from evoflow.demo.individual import Call

COVERAGE = 20  # reads over a base, both haplotypes together, duplicates not counted
READ_LENGTH = 151
INSERT_SIZE = (420, 70)  # mean and standard deviation of a fragment's length, in bases
INSERT_LIMITS = (180, 800)
SHORT = 0.04  # share of reads whose end was cut off, down to half of their length
CLIPPED = 0.03  # share of reads with an end that is not from the genome
MAX_CLIP = 40
DUPLICATES = 0.06  # share of fragments of which a second copy was sequenced
POORLY_MAPPED = 0.04  # share of fragments with a mapping quality below 20

_QUALITIES = np.array([2, 11, 25, 37], np.uint8)  # the four bins of current Illumina machines
_ERRORS = 10.0 ** (_QUALITIES / -10.0)
_LOW_QUALITY = np.array([0.0003, 0.004, 0.04])  # cumulative shares of the first three bins
_LETTERS = np.frombuffer(b"ACGT", np.uint8)

_PAIRED = pysam.FPAIRED | pysam.FPROPER_PAIR


class Read(NamedTuple):
    """One aligned read, in the order of SAM's columns; positions are 1-based."""

    name: str
    flag: int
    contig: str
    position: int
    mapping_quality: int
    cigar: str
    mate_contig: str
    mate_position: int
    template_length: int
    sequence: str
    qualities: str


class _Aligned(NamedTuple):
    """A read by itself: 0-based start and end on the reference."""

    start: int
    end: int
    cigar: str
    sequence: str
    qualities: str


def simulate_reads(rng: Generator, contig: str, sequence: str, calls: Sequence[Call]) -> list[Read]:
    """Draw the reads of a contig from its two haplotypes, sorted by position."""
    pairs: list[tuple[Read, Read]] = []
    for number in range(2):
        alleles = [call.allele for call in calls if call.genotype[number]]
        pairs += _sequence(rng, contig, make_haplotype(sequence, alleles))
    # Numbered at random: a name tells nothing of the haplotype.
    order = rng.permutation(len(pairs))
    reads = [
        read._replace(name=f"demo:{contig}:{number}")
        for number, pair in zip(order, pairs, strict=True)
        for read in pair
    ]
    return sorted(reads, key=lambda read: (read.position, read.name, read.flag))


def _sequence(rng: Generator, contig: str, haplotype: Haplotype) -> list[tuple[Read, Read]]:
    """Draw fragments of a haplotype, some of them twice, and read both ends of each."""
    length = len(haplotype.bases)
    count = round(COVERAGE / 2 * length / (2 * READ_LENGTH))
    inserts = np.clip(rng.normal(*INSERT_SIZE, count), *INSERT_LIMITS).astype(np.int64)
    starts = rng.integers(0, length - inserts)
    mapping_quality = rng.choice([60, 40], count, p=[0.95, 0.05])
    poor = rng.random(count) < POORLY_MAPPED
    mapping_quality[poor] = rng.integers(0, 20, poor.sum())
    copied = np.flatnonzero(rng.random(count) < DUPLICATES)
    fragments = np.concatenate([np.arange(count), copied])
    left = _read_ends(rng, haplotype, starts[fragments], reverse=False)
    ends = (starts + inserts - READ_LENGTH)[fragments]
    right = _read_ends(rng, haplotype, ends, reverse=True)
    shared = _PAIRED | np.where(np.arange(len(fragments)) < count, 0, pysam.FDUP)
    of_pair = np.where(rng.random(count) < 0.5, pysam.FREAD1, pysam.FREAD2)[fragments]
    left_flags = shared | of_pair | pysam.FMREVERSE
    right_flags = shared | (pysam.FREAD1 + pysam.FREAD2 - of_pair) | pysam.FREVERSE
    flags = zip(left_flags.tolist(), right_flags.tolist(), strict=True)
    quality = mapping_quality[fragments].tolist()
    return list(map(_pair, repeat(contig), left, right, quality, flags))


def _read_ends(
    rng: Generator, haplotype: Haplotype, starts: NDArray[np.int64], *, reverse: bool
) -> list[_Aligned]:
    """Read `READ_LENGTH` bases from each start, with errors, clipped and cut-off ends."""
    count = len(starts)
    shape = (count, READ_LENGTH)
    cycle = np.arange(READ_LENGTH)[:: -1 if reverse else 1]
    wear = 1 + 2 * cycle / READ_LENGTH  # qualities fall along a read
    grade = np.searchsorted(_LOW_QUALITY, rng.random(shape) / wear)
    bases = haplotype.bases[starts[:, None] + np.arange(READ_LENGTH)]
    wrong = rng.random(shape) < _ERRORS[grade]
    bases[wrong] = (bases[wrong] + rng.integers(1, 4, wrong.sum())) % 4
    # The machine cuts some reads short; of the bases left, some ends are not from the genome.
    full = np.full(count, READ_LENGTH)
    cut = np.where(rng.random(count) < SHORT, rng.integers(1, READ_LENGTH // 2, count), 0)
    left, right = (cut, full) if reverse else (0 * cut, full - cut)
    clip = np.where(rng.random(count) < CLIPPED, rng.integers(5, MAX_CLIP, count), 0)
    at_left = rng.random(count) < 0.5
    outer = np.stack([left, right], axis=1)
    inner = np.stack([left + clip * at_left, right - clip * ~at_left], axis=1)
    columns = np.arange(READ_LENGTH)
    foreign = (columns < inner[:, :1]) | (columns >= inner[:, 1:])
    bases[foreign] = rng.integers(0, 4, foreign.sum())
    letters = _LETTERS[bases].tobytes().decode()
    qualities = (_QUALITIES[grade] + 33).tobytes().decode()
    reads = []
    for row, (start, kept, genomic) in enumerate(
        zip(starts.tolist(), outer.tolist(), inner.tolist(), strict=True)
    ):
        own = slice(row * READ_LENGTH + kept[0], row * READ_LENGTH + kept[1])
        aligned = align(haplotype.positions[start + genomic[0] : start + genomic[1]])
        clips = (genomic[0] - kept[0], kept[1] - genomic[1])
        cigar = _cigar(clips, aligned.cigar)
        reads.append(_Aligned(aligned.start, aligned.end, cigar, letters[own], qualities[own]))
    return reads


@cache
def _cigar(clips: tuple[int, int], operations: tuple[tuple[int, str], ...]) -> str:
    """CIGAR of an alignment with further clipped bases at its ends."""
    runs = [(clips[0], "S"), *operations, (clips[1], "S")]
    merged = ((sum(n for n, _ in run), letter) for letter, run in groupby(runs, itemgetter(1)))
    return "".join(f"{length}{letter}" for length, letter in merged if length)


def _pair(
    contig: str,
    left: _Aligned,
    right: _Aligned,
    mapping_quality: int,
    flags: tuple[int, int],
) -> tuple[Read, Read]:
    """Give the two reads of a fragment their flags and each the place of the other."""
    start, end = min(left.start, right.start), max(left.end, right.end)
    span = end - start if left.start <= right.start else start - end

    def read(own: _Aligned, mate: _Aligned, flag: int, length: int) -> Read:
        return Read(
            "", flag, contig, own.start + 1, mapping_quality, own.cigar,
            "=", mate.start + 1, length, own.sequence, own.qualities,
        )  # fmt: skip

    return read(left, right, flags[0], span), read(right, left, flags[1], -span)
