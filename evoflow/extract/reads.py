"""The reads that carry an allele: found in one pass over the file, chosen by hash."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from zlib import crc32

import pysam
import pysam.samtools

from evoflow.extract.alignment import Evidence, Footprint, central_window, evidence, layout
from evoflow.htslib import run
from evoflow.inputs import cram
from evoflow.remote import local_files

_SAMPLE = 0.25
"""Share of the reads that is looked at first where one read is enough."""

_FLAGS = {
    pysam.FUNMAP: "unmapped",
    pysam.FSECONDARY: "secondary alignment",
    pysam.FSUPPLEMENTARY: "supplementary alignment",
    pysam.FQCFAIL: "failed quality control",
    pysam.FDUP: "duplicate",
}


_UNUSABLE = sum(_FLAGS)


@dataclass(frozen=True)
class ReadRules:
    """Which reads are taken.

    Attributes
    ----------
    length
        Bases that are kept of each read.
    min_mapping_quality
        Reads below it are dropped.
    wanted
        Reads kept per locus, at most.
    evidence
        What the reads must show.
    seed
        Seed of the choice among eligible reads.
    """

    length: int
    min_mapping_quality: int
    wanted: int
    evidence: Evidence
    seed: int


@dataclass(frozen=True)
class ChosenRead:
    """The kept bases of a read.

    Attributes
    ----------
    name, strand, mapping_quality
        The read's own; strand is `+` or `-`.
    sequence
        The kept bases, upper-case, in the reference's forward orientation.
    reference_start
        0-based reference position of the first kept base.
    offset
        Index of the allele in `sequence`.
    """

    name: str
    strand: str
    mapping_quality: int
    sequence: str
    reference_start: int
    offset: int


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
    contig_length
        Length of the contig.
    salt
        What the choice depends on besides the read and the locus, such as the individual.
    sampled
        Whether the reads are a sample; loci without a kept one will be looked at again, and are
        not counted.
    counts
        Why each read over each locus was kept or dropped.
    longest
        Length of the longest read that was too short.
    """

    rules: ReadRules
    contig_length: int
    salt: str
    sampled: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    longest: int = 0

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
            name = read.query_name or ""
            for locus in under:
                if not begin <= locus.where.start < end:
                    continue
                if reason:
                    locus.counts[reason] += 1
                else:
                    rank = crc32(name.encode(), locus.salt) << 1 | read.is_read2
                    locus.reads.append((rank, name, read))
        for locus in under:
            chosen[locus.index] = self._settle(locus)
        return chosen

    def _locus_salt(self, where: Footprint) -> int:
        """Hash of what the order of reads depends on besides the read.

        A read's rank is the CRC-32 of its name, begun with this: as even as a cryptographic hash
        here and several times as fast, where each read over each locus needs one.
        """
        text = f"{self.rules.seed} {self.salt} {where.start} {where.reference} {where.alternate}"
        return crc32(text.encode())

    def _refuse(self, read: pysam.AlignedSegment) -> str | None:
        """Why a read is of no use at any locus."""
        flag = read.flag
        if flag & _UNUSABLE:
            return next(reason for bit, reason in _FLAGS.items() if flag & bit)
        if read.mapping_quality < self.rules.min_mapping_quality:
            return "low mapping quality"
        if read.query_length < self.rules.length:
            self.longest = max(self.longest, read.query_length)
            return "shorter than read_length"
        return None

    def _settle(self, locus: _Locus) -> list[ChosenRead]:
        """Look at a locus' reads in order of rank until there are enough."""
        chosen: dict[str, ChosenRead] = {}
        locus.reads.sort(key=itemgetter(0, 1))
        for looked, (_, name, read) in enumerate(locus.reads):
            if len(chosen) == self.rules.wanted:
                locus.counts["enough others"] += len(locus.reads) - looked
                break
            if name in chosen:
                locus.counts["its mate is kept"] += 1
                continue
            kept = self._keep(read, locus.where)
            if isinstance(kept, str):
                locus.counts[kept] += 1
            else:
                locus.counts["kept"] += 1
                chosen[name] = kept
        if chosen or not self.sampled:
            self.counts.update(locus.counts)
        return list(chosen.values())

    def _keep(self, read: pysam.AlignedSegment, where: Footprint) -> ChosenRead | str:
        """Trim a read around the allele, or say why not."""
        bases = (read.query_sequence or "").upper()
        lay = layout(read)
        seen, start, stop = evidence(lay, bases, where)
        if seen is not self.rules.evidence:
            return seen.value
        window = central_window(lay, start, stop, self.rules.length, self.contig_length)
        if window is None:
            return "too few unclipped bases around the allele"
        first, reference_start = window
        return ChosenRead(
            name=read.query_name or "",
            strand="-" if read.is_reverse else "+",
            mapping_quality=read.mapping_quality,
            sequence=bases[first : first + self.rules.length],
            reference_start=reference_start,
            offset=start - first,
        )


def reads_over(
    path: str,
    spelling: str,
    loci: Sequence[Footprint],
    reference: str,
    folder: Path,
    *,
    sample: bool = False,
) -> Iterator[pysam.AlignedSegment]:
    """Read alignments over any of the loci, once each, in coordinate order.

    Parameters
    ----------
    path
        BAM or CRAM with its index.
    spelling
        The contig's name in it.
    loci
        Sorted by start.
    reference
        FASTA that a CRAM is decoded with, its contigs spelled as there.
    folder
        Where the alignments are copied to.
    sample
        Whether a quarter of the reads, chosen by a hash of the name, is enough.
    """
    local_files.provide_contig(path, spelling, [(each.start, each.start + 1) for each in loci])
    bed, copied = folder / "loci.bed", folder / "reads.bam"
    bed.write_text("".join(f"{spelling}\t{each.start}\t{each.start + 1}\n" for each in loci))
    arguments = ["-M", "-L", str(bed), "-T", reference, "-u", "-o", str(copied)]
    arguments += ["--subsample", str(_SAMPLE), "--subsample-seed", "0"] if sample else []
    with cram.explained(path, spelling, reference):
        run(pysam.samtools.view, *arguments, path, about=path)
    with pysam.AlignmentFile(str(copied), check_sq=False) as alignments:
        yield from alignments.fetch(until_eof=True)
