"""Simulated sequencing: paired reads of two haplotypes, aligned where they come from."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import numpy as np
import pysam
from numpy.lib.stride_tricks import sliding_window_view
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
_LETTERS = bytes.maketrans(bytes(range(4)), b"ACGT")
_SYMBOLS = bytes.maketrans(bytes(range(4)), (_QUALITIES + 33).tobytes())

_PAIRED = pysam.FPAIRED | pysam.FPROPER_PAIR


class _Ends(NamedTuple):
    """One read of every fragment: 0-based starts and ends on the reference, and what was read."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    cigar: list[str]
    sequence: list[str]
    qualities: list[str]


class _Fragments(NamedTuple):
    """The fragments of a haplotype, both ends of each; flags of the left and the right reads."""

    left: _Ends
    right: _Ends
    flags: tuple[NDArray[np.int64], NDArray[np.int64]]
    mapping_quality: list[int]


def simulate_reads(rng: Generator, contig: str, sequence: str, calls: Sequence[Call]) -> list[str]:
    """Draw the reads of a contig from its two haplotypes: lines of SAM, sorted by position."""
    drawn = []
    for number in range(2):
        alleles = [call.allele for call in calls if call.genotype[number]]
        drawn.append(_sequence(rng, make_haplotype(sequence, alleles)))
    first, second = (len(fragments.mapping_quality) for fragments in drawn)
    # Numbered at random: a name tells nothing of the haplotype.
    names = [f"demo:{contig}:{number}" for number in rng.permutation(first + second).tolist()]
    reads = [*_reads(contig, names[:first], drawn[0]), *_reads(contig, names[first:], drawn[1])]
    return [line for *_, line in sorted(reads)]


def _reads(
    contig: str, names: list[str], fragments: _Fragments
) -> Iterator[tuple[int, str, int, str]]:
    """Position, name and flag of each read of named fragments, and its line of SAM."""
    left, right = fragments.left, fragments.right
    start, end = np.minimum(left.start, right.start), np.maximum(left.end, right.end)
    span = np.where(left.start <= right.start, end - start, start - end)
    for own, mate, flags, spans in (
        (left, right, fragments.flags[0], span),
        (right, left, fragments.flags[1], -span),
    ):
        columns = zip(
            (own.start + 1).tolist(), names, flags.tolist(), fragments.mapping_quality, own.cigar,
            (mate.start + 1).tolist(), spans.tolist(), own.sequence, own.qualities, strict=True,
        )  # fmt: skip
        for at, name, flag, mapped, cigar, mate_at, length, bases, symbols in columns:
            line = (
                f"{name}\t{flag}\t{contig}\t{at}\t{mapped}\t{cigar}\t"
                f"=\t{mate_at}\t{length}\t{bases}\t{symbols}"
            )
            yield at, name, flag, line


def _sequence(rng: Generator, haplotype: Haplotype) -> _Fragments:
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
    return _Fragments(left, right, (left_flags, right_flags), mapping_quality[fragments].tolist())


def _read_ends(
    rng: Generator, haplotype: Haplotype, starts: NDArray[np.int64], *, reverse: bool
) -> _Ends:
    """Read `READ_LENGTH` bases from each start, with errors, clipped and cut-off ends."""
    count = len(starts)
    shape = (count, READ_LENGTH)
    cycle = np.arange(READ_LENGTH)[:: -1 if reverse else 1]
    wear = 1 + 2 * cycle / READ_LENGTH  # qualities fall along a read
    drawn = rng.random(shape) / wear
    grade = np.sum([drawn > share for share in _LOW_QUALITY], axis=0, dtype=np.uint8)
    bases = sliding_window_view(haplotype.bases, READ_LENGTH)[starts]
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
    letters = bases.tobytes().translate(_LETTERS).decode()
    qualities = grade.tobytes().translate(_SYMBOLS).decode()
    rows = READ_LENGTH * np.arange(count)[:, None]
    firsts, lasts = (rows + outer).T.tolist()
    aligned = align(haplotype, starts + inner[:, 0], starts + inner[:, 1])
    clips = zip(*np.abs(outer - inner).T.tolist(), strict=True)
    return _Ends(
        aligned.start,
        aligned.end,
        list(map(_cigar, clips, aligned.operations)),
        [letters[first:last] for first, last in zip(firsts, lasts, strict=True)],
        [qualities[first:last] for first, last in zip(firsts, lasts, strict=True)],
    )


@cache
def _cigar(clips: tuple[int, int], operations: tuple[tuple[int, str], ...]) -> str:
    """CIGAR of an alignment with further clipped bases at its ends."""
    runs = [(clips[0], "S"), *operations, (clips[1], "S")]
    merged = ((sum(n for n, _ in run), letter) for letter, run in groupby(runs, itemgetter(1)))
    return "".join(f"{length}{letter}" for length, letter in merged if length)
