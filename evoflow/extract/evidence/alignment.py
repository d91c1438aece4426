"""What one aligned read says about one allele, by its CIGAR, and which of its bases are kept.

All positions are 0-based and half-open: on the contig for the reference, on the stored sequence
(soft-clipped bases included) for the read.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from enum import Enum
from itertools import cycle
from operator import attrgetter, itemgetter
from typing import NamedTuple

import pysam

_STEP = 64
_ALIGNED = {pysam.CMATCH, pysam.CEQUAL, pysam.CDIFF}
NEARBY = 10
"""Bases beside an allele within which a gap in a read may be part of the allele, or hide it."""


class Evidence(Enum):
    """What a read's bases at an allele are."""

    ALTERNATE = "shows the alternate"
    REFERENCE = "shows the reference"
    OTHER = "shows other bases"
    UNINFORMATIVE = "does not span the allele"


class Footprint(NamedTuple):
    """The reference interval that a read must span to tell two alleles apart.

    An insertion or deletion in a repeat may be placed anywhere in the repeat, so its footprint
    reaches as far right as it can be shifted, and the allele's bases are followed by the bases in
    between.

    Attributes
    ----------
    start, stop
        The interval; `start` is the VCF position less 1.
    reference, alternate
        The bases of both haplotypes over the interval.
    anchored
        Whether both alleles begin with the same base, as indels in VCF do.
    tail
        How many of the last bases follow the allele itself: as far as an indel can be shifted.
    """

    start: int
    stop: int
    reference: str
    alternate: str
    anchored: bool
    tail: int = 0

    @property
    def changes_length(self) -> bool:
        """Whether the alleles differ in length."""
        return len(self.reference) != len(self.alternate)

    @property
    def is_single_base(self) -> bool:
        """Whether one base stands in the place of another."""
        return len(self.reference) == len(self.alternate) == 1

    @property
    def ref(self) -> str:
        """The allele's own reference bases."""
        return self.reference[: len(self.reference) - self.tail]

    @property
    def alt(self) -> str:
        """The allele's own alternate bases."""
        return self.alternate[: len(self.alternate) - self.tail]


def footprint(
    genome: pysam.FastaFile, contig: str, position: int, ref: str, alt: str, *, limit: int
) -> Footprint:
    """Find how far a normalised allele reaches.

    Parameters
    ----------
    genome
        The reference.
    contig, position, ref, alt
        The allele, left-aligned and trimmed; `position` is 1-based.
    limit
        Bases after which the search for a repeat's end stops; no read reaches further.
    """
    start, after = position - 1, position - 1 + len(ref)
    tail = ""
    unit = ref[1:] or alt[1:]
    if ref[0] == alt[0] and len(ref) != len(alt) and min(len(ref), len(alt)) == 1:
        repeated = cycle(unit)
        while len(tail) < limit:
            bases = genome.fetch(contig, after + len(tail), after + len(tail) + _STEP).upper()
            shared = 0
            for base, wanted in zip(bases, repeated, strict=False):
                if base != wanted:
                    break
                shared += 1
            tail += bases[:shared]
            if shared < _STEP:
                break
    return Footprint(start, after + len(tail), ref + tail, alt + tail, ref[0] == alt[0], len(tail))


class Block(NamedTuple):
    """Bases of a read aligned one to one with the reference."""

    reference_start: int
    read_start: int
    length: int

    @property
    def reference_end(self) -> int:
        """Where it ends on the reference."""
        return self.reference_start + self.length

    @property
    def read_end(self) -> int:
        """Where it ends on the read."""
        return self.read_start + self.length


_BY_REFERENCE, _BY_READ = itemgetter(0), itemgetter(1)


@dataclass(frozen=True)
class Layout:
    """How a read lies on the reference; a long one has thousands of blocks, so none is looped over.

    Attributes
    ----------
    blocks
        Its aligned blocks, in order.
    stretches
        The parts of the read without soft-clipped bases and without a skip (CIGAR `N`), as
        (start, stop) on the read.
    gaps
        Its insertions and deletions, as (start, stop) on the reference.
    """

    blocks: tuple[Block, ...]
    stretches: tuple[tuple[int, int], ...]
    gaps: tuple[tuple[int, int], ...] = ()

    def read_index(self, position: int) -> int | None:
        """Find the read's base that is aligned to a reference position."""
        number = bisect_right(self.blocks, position, key=_BY_REFERENCE)
        if not number or position >= (block := self.blocks[number - 1]).reference_end:
            return None
        return block.read_start + position - block.reference_start

    def reference_position(self, index: int) -> int | None:
        """Find the reference position to which the read's base at `index` is aligned."""
        number = bisect_right(self.blocks, index, key=_BY_READ)
        if not number or index >= (block := self.blocks[number - 1]).read_end:
            return None
        return block.reference_start + index - block.read_start

    def reference_end(self, index: int) -> int:
        """Find where the reference ends that the bases before `index` are aligned to."""
        block = self.blocks[bisect_left(self.blocks, index, key=_BY_READ) - 1]
        return block.reference_start + min(block.length, index - block.read_start)

    def is_plain_at(self, where: Footprint) -> bool:
        """Whether there is no gap beside an allele except its own."""
        first = bisect_right(self.gaps, where.start - NEARBY, key=itemgetter(1))
        beside = bisect_left(self.gaps, where.stop + NEARBY, key=itemgetter(0))
        lowest = where.start + (where.anchored or not where.changes_length)
        highest = where.stop - (not where.changes_length)
        return all(lowest <= start and stop <= highest for start, stop in self.gaps[first:beside])

    def part_over(self, where: Footprint, flank: int) -> tuple[int, int] | None:
        """Find the read's bases over a footprint and as many as `flank` on both sides.

        Returns
        -------
        tuple of int, or None
            Their start and stop on the read, both at aligned bases, in one stretch; None where
            no stretch reaches from the footprint's start to its stop.
        """
        for begun, ended in self.stretches:
            own = [bisect_left(self.blocks, at, key=_BY_READ) for at in (begun, ended)]
            if own[0] == own[1] or self.blocks[own[0]].reference_start > where.start:
                continue
            if self.blocks[own[1] - 1].reference_end < where.stop:
                continue
            lowest, highest = where.start - flank, where.stop + flank
            ends = attrgetter("reference_end")
            first = self.blocks[bisect_right(self.blocks, lowest, *own, key=ends)]
            final = self.blocks[bisect_left(self.blocks, highest, *own, key=_BY_REFERENCE) - 1]
            start = first.read_start + max(0, lowest - first.reference_start)
            stop = final.read_start + min(final.length, highest - final.reference_start)
            return start, stop
        return None


def layout(read: pysam.AlignedSegment) -> Layout:
    """Lay out a mapped read by its CIGAR."""
    position, index = read.reference_start, 0
    blocks: list[Block] = []
    stretches: list[tuple[int, int]] = []
    gaps: list[tuple[int, int]] = []
    begun = 0
    for operation, length in read.cigartuples or ():
        if operation in _ALIGNED:
            blocks.append(Block(position, index, length))
            position += length
            index += length
        elif operation == pysam.CINS:
            gaps.append((position, position))
            index += length
        elif operation == pysam.CDEL:
            gaps.append((position, position + length))
            position += length
        elif operation == pysam.CREF_SKIP:
            stretches.append((begun, index))
            position += length
            begun = index
        elif operation == pysam.CSOFT_CLIP:
            stretches.append((begun, index))
            index += length
            begun = index
    stretches.append((begun, index))
    return Layout(tuple(blocks), tuple(stretches), tuple(gaps))


def evidence(lay: Layout, bases: str, where: Footprint) -> tuple[Evidence, int, int]:
    """Compare a read with both haplotypes of an allele.

    Parameters
    ----------
    lay
        How the read is aligned.
    bases
        The read's bases, upper-case.
    where
        The allele's footprint.

    Returns
    -------
    evidence
        What the read carries. Where the alleles differ in length, the bases on both sides of the
        footprint must be aligned; else its own first and last.
    start, stop
        The footprint on the read; (0, 0) where the read does not span it.
    """
    if where.changes_length:
        after = lay.read_index(where.stop)
    else:
        last = lay.read_index(where.stop - 1)
        after = None if last is None else last + 1
    if where.anchored or not where.changes_length:
        first = lay.read_index(where.start)
    else:
        before = lay.read_index(where.start - 1)
        first = None if before is None else before + 1
    if first is None or after is None:
        return Evidence.UNINFORMATIVE, 0, 0
    # A skip between the two is not a deletion.
    if not any(start <= first and after <= stop for start, stop in lay.stretches):
        return Evidence.UNINFORMATIVE, 0, 0
    seen = bases[first:after]
    if seen == where.alternate:
        return Evidence.ALTERNATE, first, after
    if seen == where.reference:
        return Evidence.REFERENCE, first, after
    return Evidence.OTHER, first, after


def central_window(
    lay: Layout, start: int, stop: int, length: int, contig_length: int
) -> tuple[int, int] | None:
    """Choose the `length` bases of a read that hold an interval as centrally as possible.

    They hold no soft-clipped base and no skip, begin with an aligned base, and as many reference
    bases follow from there within the contig. Of two equally central choices the left one wins.

    Returns
    -------
    tuple of int, or None
        Where the bases start on the read and on the reference; None where nothing fits.
    """
    for first, end in lay.stretches:
        lowest, highest = max(first, stop - length), min(start, end - length)
        ideal = (start + stop - length) // 2
        for index in sorted(range(lowest, highest + 1), key=lambda each: abs(each - ideal)):
            position = lay.reference_position(index)
            if position is not None and position + length <= contig_length:
                return index, position
    return None
