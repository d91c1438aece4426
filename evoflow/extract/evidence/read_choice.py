"""Choose which reads over each locus are kept, by hash, in one pass over the file."""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from zlib import crc32

import pysam

from evoflow.extract.evidence.alignment import Footprint
from evoflow.extract.evidence.called_alleles import CalledAlleles
from evoflow.extract.evidence.read_trimming import (
    CARRIES_ANOTHER,
    MAY_CARRY_ANOTHER,
    ChosenRead,
    ReadRules,
    ReadTrimmer,
)

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
        self._trimmer = ReadTrimmer(self.rules, self.genome, self.contig, self.called)

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
        """Say why a read cannot be used at any locus; None where it can."""
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
            kept = self._trimmer.trim(read, locus.where)
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
