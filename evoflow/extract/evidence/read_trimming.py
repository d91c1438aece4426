"""Trim a read around an allele, or say why it is not kept."""

from collections.abc import Sequence
from dataclasses import dataclass

import pysam

from evoflow.dna import unknown_letter
from evoflow.errors import printable
from evoflow.extract.evidence.alignment import Evidence, Footprint, Layout, central_window, layout
from evoflow.extract.evidence.called_alleles import CalledAlleles, Shown

CARRIES_ANOTHER = "carries another allele of the individual"
MAY_CARRY_ANOTHER = "may carry another allele of the individual"

_AT_ONCE = 64
"""Reads whose layouts are kept: a long one lies over hundreds of loci, beside dozens of others."""


@dataclass(frozen=True)
class ReadRules:
    """Which reads are taken.

    Attributes
    ----------
    length
        Bases that are kept of each read.
    min_mapping_quality
        Reads below it are dropped.
    min_base_quality
        Bases below it do not show an allele.
    wanted
        Reads kept per locus, at most.
    evidence
        What the reads must show. Reads that must show the reference must carry no called allele
        in the bases that are kept.
    seed
        Seed of the choice among eligible reads.
    read_groups
        IDs of the read groups that count; None: all reads do.
    """

    length: int
    min_mapping_quality: int
    min_base_quality: int
    wanted: int
    evidence: Evidence
    seed: int
    read_groups: frozenset[str] | None = None


@dataclass(frozen=True)
class ChosenRead:
    """The kept bases of a read.

    Attributes
    ----------
    name, strand, mapping_quality
        The read's own; strand is `+` or `-`.
    sequence
        The kept bases, upper-case, in the reference's forward orientation.
    reference
        As many bases of the reference, from the position of the first kept base.
    offset
        Index of the allele in `sequence`.
    reference_start, reference_end
        The reference interval that the kept bases are aligned to.
    other_alleles
        How many further called alleles the kept bases carry.
    """

    name: str
    strand: str
    mapping_quality: int
    sequence: str
    reference: str
    offset: int
    reference_start: int
    reference_end: int
    other_alleles: int


@dataclass
class ReadTrimmer:
    """Trims reads of one contig around alleles.

    Attributes
    ----------
    rules
        Which reads are taken.
    genome, contig
        The reference, and where.
    called
        All alleles that the individual may carry.
    """

    rules: ReadRules
    genome: pysam.FastaFile
    contig: str
    called: CalledAlleles

    def __post_init__(self) -> None:
        self._contig_length = self.genome.get_reference_length(self.contig)
        self._held: dict[int, tuple[pysam.AlignedSegment, Layout, str]] = {}

    def trim(self, read: pysam.AlignedSegment, where: Footprint) -> ChosenRead | str:
        """Trim a read around the allele, or say why not."""
        _, lay, bases = self._held.get(id(read)) or self._lay_out(read)
        seen = self.called.shown(lay, bases, where)
        reason = self._not_shown(read, bases, seen, where)
        if reason:
            return reason
        window = central_window(
            lay,
            seen.start,
            seen.stop,
            self.rules.length,
            self._contig_length,
        )
        if window is None:
            return "too few unclipped bases around the allele"
        first, position = window
        after = first + self.rules.length
        sequence = bases[first:after]
        reference = self.genome.fetch(self.contig, position, position + len(sequence)).upper()
        if unknown_letter(sequence + reference):
            return "beside a letter that is not a base"
        end = lay.reference_end(after)
        # Inserted bases at the end may be the first ones of an allele that begins behind them.
        inserted = lay.reference_position(after - 1) is None
        shown = [
            (other, self.called.shown(lay, bases, other))
            for other in self.called.near(position, end + inserted, besides=where)
        ]
        if shown and self.rules.evidence is Evidence.REFERENCE:
            unclean = self._unclean(read, shown)
            if unclean:
                return unclean
        return ChosenRead(
            name=printable(read.query_name or ""),
            strand="-" if read.is_reverse else "+",
            mapping_quality=read.mapping_quality,
            sequence=sequence,
            reference=reference,
            offset=seen.start - first,
            reference_start=position,
            reference_end=end,
            other_alleles=sum(_is_within(each, other, first, after) for other, each in shown),
        )

    def _not_shown(
        self, read: pysam.AlignedSegment, bases: str, seen: Shown, where: Footprint
    ) -> str | None:
        """Say why a read does not show what it must."""
        if seen.evidence is not self.rules.evidence:
            return seen.evidence.value
        if seen.evidence is Evidence.REFERENCE and bases[seen.start : seen.stop] != where.reference:
            return Evidence.OTHER.value
        return None if self._is_clear(read, seen, where) else "low base quality"

    def _lay_out(self, read: pysam.AlignedSegment) -> tuple[pysam.AlignedSegment, Layout, str]:
        """Lay out a read and spell its bases; hold both, for its next loci, in the oldest's place.

        With the read itself, so that no other one gets its identity meanwhile.
        """
        if len(self._held) == _AT_ONCE:
            del self._held[next(iter(self._held))]
        lay = layout(read)
        self._held[id(read)] = read, lay, self._bases(read, lay)
        return self._held[id(read)]

    def _bases(self, read: pysam.AlignedSegment, lay: Layout) -> str:
        """Spell a read's bases; `=` is the reference's base."""
        bases = (read.query_sequence or "").upper()
        if "=" not in bases:
            return bases
        spelled = list(bases)
        for position, index, length in lay.blocks:
            reference = self.genome.fetch(self.contig, position, position + length).upper()
            for at, base in enumerate(reference, start=index):
                if spelled[at] == "=":
                    spelled[at] = base
        return "".join(spelled)

    def _is_clear(self, read: pysam.AlignedSegment, seen: Shown, where: Footprint) -> bool:
        """Whether the bases that show an allele are of enough quality; unknown qualities are."""
        lowest = self.rules.min_base_quality
        qualities = read.query_qualities if lowest else None
        if qualities is None:
            return True
        own = qualities[seen.start : seen.start + _own_bases(seen, where)]
        return min(own, default=0) >= lowest

    def _unclean(
        self, read: pysam.AlignedSegment, shown: Sequence[tuple[Footprint, Shown]]
    ) -> str | None:
        """Say why a read that shows the reference at its locus is no reference read."""
        if any(each.evidence is Evidence.ALTERNATE for _, each in shown):
            return CARRIES_ANOTHER
        if not all(
            each.evidence is Evidence.REFERENCE and self._is_clear(read, each, other)
            for other, each in shown
        ):
            return MAY_CARRY_ANOTHER
        return None


def _is_within(seen: Shown, where: Footprint, first: int, after: int) -> bool:
    """Whether a read carries an allele in some of its bases."""
    return (
        seen.evidence is Evidence.ALTERNATE
        and first <= seen.start
        and seen.start + _own_bases(seen, where) <= after
    )


def _own_bases(seen: Shown, where: Footprint) -> int:
    """Count the bases that show an allele: its own, and the next one where others are missing."""
    ref, alt = where.ref, where.alt
    own, other = (alt, ref) if seen.evidence is Evidence.ALTERNATE else (ref, alt)
    return len(own) + (len(own) < len(other))
