"""Haplotypes: contigs with the individual's alleles in them, and how a piece of one aligns."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from evoflow.demo.consequences import Allele

MIN_FLANK = 6  # matched bases beyond an indel below which an aligner clips

_CODES = np.zeros(128, np.uint8)
_CODES[np.frombuffer(b"ACGT", np.uint8)] = np.arange(4)


@dataclass(frozen=True)
class Haplotype:
    """One copy of a contig.

    Attributes
    ----------
    bases
        0 to 3 for A, C, G and T, shape (length,).
    positions
        The 0-based reference position of every base, -1 for inserted ones, shape (length,).
    """

    bases: NDArray[np.uint8]
    positions: NDArray[np.int64]


Operations = tuple[tuple[int, str], ...]
"""The lengths and letters of a CIGAR."""


@dataclass(frozen=True)
class Alignments:
    """Where pieces of a haplotype lie on the reference: 0-based, half-open, shape (pieces,)."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    operations: list[Operations]


def make_haplotype(sequence: str, alleles: Sequence[Allele]) -> Haplotype:
    """Put sorted alleles, none of which touches another, into a contig."""
    bases: list[str] = []
    positions: list[NDArray[np.int64]] = []
    end = 0
    for allele in alleles:
        aligned = min(len(allele.ref), len(allele.alt))
        bases += [sequence[end : allele.start], allele.alt]
        inserted = np.full(len(allele.alt) - aligned, -1)
        positions += [np.arange(end, allele.start + aligned), inserted]
        end = allele.end
    bases.append(sequence[end:])
    positions.append(np.arange(end, len(sequence)))
    codes = _CODES[np.frombuffer("".join(bases).encode(), np.uint8)]
    return Haplotype(codes, np.concatenate(positions))


def align(haplotype: Haplotype, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Alignments:
    """Align pieces of a haplotype, half-open intervals of it, by their bases' positions.

    Ends that match fewer than `MIN_FLANK` bases beyond an indel are clipped, as aligners do.
    """
    positions = haplotype.positions
    start, end = positions[starts], positions[ends - 1] + 1
    lengths = (ends - starts).tolist()
    matched: dict[int, Operations] = {length: ((length, "M"),) for length in set(lengths)}
    operations = [matched[length] for length in lengths]
    # Up to each base, the bases whose position does not follow the one before.
    jumps = np.cumsum(np.diff(positions, prepend=0) != 1)
    for number in np.flatnonzero((jumps[starts] < jumps[ends - 1]) | (start < 0)):
        piece = positions[starts[number] : ends[number]]
        start[number], end[number], operations[number] = _across_indels(piece)
    return Alignments(start, end, operations)


def _across_indels(positions: NDArray[np.int64]) -> tuple[int, int, Operations]:
    """Start, end and CIGAR of a piece that holds an indel."""
    operations = _operations(positions.tolist())
    left = _clip(operations)
    operations.reverse()
    right = _clip(operations)
    operations.reverse()
    kept = positions[left : len(positions) - right]
    clips = ([(left, "S")] if left else [], [(right, "S")] if right else [])
    return int(kept[0]), int(kept[-1]) + 1, (*clips[0], *operations, *clips[1])


def _operations(positions: list[int]) -> list[tuple[int, str]]:
    """CIGAR operations of bases at these reference positions."""
    letters = ""
    end = None
    for position in positions:
        if position < 0:
            letters += "I"
            continue
        letters += "D" * (0 if end is None else position - end) + "M"
        end = position + 1
    return [(len(list(run)), letter) for letter, run in groupby(letters)]


def _clip(operations: list[tuple[int, str]]) -> int:
    """Remove operations from the front up to a long enough match; how many bases that clips."""
    clipped = 0
    while operations[0][1] != "M" or operations[0][0] < MIN_FLANK:
        length, operation = operations.pop(0)
        clipped += 0 if operation == "D" else length
    return clipped
