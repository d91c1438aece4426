"""Which of the reads over a locus are kept: in one pass over the file, chosen by hash."""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from zlib import crc32

import pysam

from evoflow.dna import unknown_letter
from evoflow.errors import printable
from evoflow.extract.evidence.alignment import Evidence, Footprint, Layout, central_window, layout
from evoflow.extract.evidence.called_alleles import CalledAlleles, Shown

_FLAGS = {
    pysam.FUNMAP: "unmapped",
    pysam.FSECONDARY: "secondary alignment",
    pysam.FSUPPLEMENTARY: "supplementary alignment",
    pysam.FQCFAIL: "failed quality control",
    pysam.FDUP: "duplicate",
}
_UNUSABLE = sum(_FLAGS)
_ESCAPES = "surrogateescape"
"""How names that are not ASCII, as they must be, become the bytes that they were."""

_SECOND = pysam.FPAIRED | pysam.FREAD2

CARRIES_ANOTHER = "carries another allele of the individual"
MAY_CARRY_ANOTHER = "may carry another allele of the individual"


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
    other_alleles
        How many further called alleles the kept bases carry.
    """

    name: str
    strand: str
    mapping_quality: int
    sequence: str
    reference: str
    offset: int
    other_alleles: int


@dataclass
class _Locus:
    """A locus and the usable reads over it, each with its rank and name."""

    index: int
    where: Footprint
    salt: int
    reads: list[tuple[int, str, pysam.AlignedSegment]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


@dataclass
class ReadChooser:
    """Chooses reads at loci of one contig.

    Attributes
    ----------
    rules
        Which reads are taken.
    genome, contig
        The reference, and where.
    called
        All alleles that the individual may carry.
    salt
        What the choice depends on besides the read and the locus, such as the individual.
    sampled
        Whether the reads are a sample; loci without a kept one will be looked at again, and are
        not counted.
    counts
        Why each read over each locus was kept or dropped.
    without_clean_read
        Loci that gave no read because those that show the reference carry another allele.
    longest
        Length of the longest read that was too short.
    """

    rules: ReadRules
    genome: pysam.FastaFile
    contig: str
    called: CalledAlleles
    salt: str
    sampled: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    without_clean_read: int = 0
    longest: int = 0

    def __post_init__(self) -> None:
        self._contig_length = self.genome.get_reference_length(self.contig)

    def choose(
        self, reads: Iterable[pysam.AlignedSegment], loci: Sequence[Footprint]
    ) -> list[list[ChosenRead]]:
        """Choose the reads of each locus.

        Parameters
        ----------
        reads
            Reads of the contig, sorted by coordinate.
        loci
            Sorted by start.

        Returns
        -------
        list of list of ChosenRead
            For each locus its reads, the first being its own.
        """
        chosen: list[list[ChosenRead]] = [[] for _ in loci]
        waiting = deque(
            _Locus(index, where, self._locus_salt(where)) for index, where in enumerate(loci)
        )
        under: list[_Locus] = []  # loci that the current read may reach
        for read in reads:
            begin, end = read.reference_start, read.reference_end or 0
            if under and under[0].where.start < begin:
                passed = [locus for locus in under if locus.where.start < begin]
                for locus in passed:
                    chosen[locus.index] = self._settle(locus)
                under = under[len(passed) :]
            while waiting and waiting[0].where.start < end:
                under.append(waiting.popleft())
            reason = self._refuse(read)
            name, flag = read.query_name or "", read.flag
            order = (flag & _SECOND == _SECOND) << 12 | flag  # of reads of one name
            for locus in under:
                if not begin <= locus.where.start < end:
                    continue
                if reason:
                    locus.counts[reason] += 1
                else:
                    rank = crc32(name.encode(errors=_ESCAPES), locus.salt) << 13 | order
                    locus.reads.append((rank, name, read))
        for locus in under:
            chosen[locus.index] = self._settle(locus)
        return chosen

    def _locus_salt(self, where: Footprint) -> int:
        """Hash of what the order of reads depends on besides the read.

        A read's rank is the CRC-32 of its name, begun with this, and its flag: as even as a
        cryptographic hash here and several times as fast, where each read over each locus needs
        one.
        """
        text = f"{self.rules.seed} {self.salt} {where.start} {where.reference} {where.alternate}"
        return crc32(text.encode())

    def _refuse(self, read: pysam.AlignedSegment) -> str | None:
        """Why a read is of no use at any locus."""
        flag = read.flag
        if flag & _UNUSABLE:
            return next(reason for bit, reason in _FLAGS.items() if flag & bit)
        groups = self.rules.read_groups
        if groups is not None and _read_group(read) not in groups:
            return "of another sample, or of no read group"
        if read.mapping_quality < self.rules.min_mapping_quality:
            return "low mapping quality"
        if read.query_length < self.rules.length:
            self.longest = max(self.longest, read.query_length)
            return "shorter than read_length"
        return None

    def _settle(self, locus: _Locus) -> list[ChosenRead]:
        """Look at a locus' reads in order of rank until there are enough."""
        chosen: list[ChosenRead] = []
        taken: dict[str, list[pysam.AlignedSegment]] = {}
        locus.reads.sort(key=itemgetter(0, 1))
        for looked, (_, name, read) in enumerate(locus.reads):
            if len(chosen) == self.rules.wanted:
                locus.counts["enough others"] += len(locus.reads) - looked
                break
            if name in taken and any(_are_mates(read, other) for other in taken[name]):
                locus.counts["its mate is kept"] += 1
                continue
            kept = self._keep(read, locus.where)
            if isinstance(kept, str):
                locus.counts[kept] += 1
            else:
                locus.counts["kept"] += 1
                chosen.append(kept)
                taken.setdefault(name, []).append(read)
        if chosen or not self.sampled:
            self.counts.update(locus.counts)
            unclean = locus.counts[CARRIES_ANOTHER] + locus.counts[MAY_CARRY_ANOTHER]
            self.without_clean_read += bool(unclean and not chosen)
        return chosen

    def _keep(self, read: pysam.AlignedSegment, where: Footprint) -> ChosenRead | str:
        """Trim a read around the allele, or say why not."""
        lay = layout(read)
        bases = self._bases(read, lay)
        seen = self.called.shown(lay, bases, where)
        reason = self._not_shown(read, bases, seen, where)
        if reason:
            return reason
        window = central_window(lay, seen.start, seen.stop, self.rules.length, self._contig_length)
        if window is None:
            return "too few unclipped bases around the allele"
        first, position = window
        after = first + self.rules.length
        sequence = bases[first:after]
        reference = self.genome.fetch(self.contig, position, position + len(sequence)).upper()
        if unknown_letter(sequence + reference):
            return "beside a letter that is not a base"
        end = lay.reference_end(after)
        shown = [
            (other, self.called.shown(lay, bases, other))
            for other in self.called.near(position, end, besides=where)
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


def _read_group(read: pysam.AlignedSegment) -> str | None:
    return str(read.get_tag("RG")) if read.has_tag("RG") else None


def _are_mates(read: pysam.AlignedSegment, other: pysam.AlignedSegment) -> bool:
    """Whether two reads of one name are the ends of one template.

    Names alone do not tell: single reads may share one, as may templates of two read groups.
    """
    both = read.flag & other.flag
    return bool(
        both & pysam.FPAIRED
        and not both & (pysam.FREAD1 | pysam.FREAD2)
        and _read_group(read) == _read_group(other)
    )
