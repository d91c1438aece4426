"""An individual's called alleles on a contig, and which of them a read shows.

All of them count here, whatever their FILTER and whether ClinVar lists them or not.
"""

from bisect import bisect_left
from functools import cache
from typing import NamedTuple

import pandas as pd
import pysam

from evoflow.extract.evidence.alignment import (
    NEARBY,
    Evidence,
    Footprint,
    Layout,
    evidence,
    footprint,
)
from evoflow.extract.evidence.haplotype_fit import FLANK, HaplotypeFit
from evoflow.extract.vcf.normalise import KEY

_PAST_LIMIT = 100
"""Bases by which a repeat may be followed further than its limit."""

_LONG = 1_000
"""Reference bases from which an allele is looked for by itself: it reaches far to the right."""


class Shown(NamedTuple):
    """What a read's bases at an allele are, and where they lie on the read."""

    evidence: Evidence
    start: int
    stop: int


class CalledAlleles:
    """The alleles that an individual may carry, around the reads that are looked at.

    Parameters
    ----------
    genome, contig
        The reference, and where.
    alleles
        `KEY`, normalised, sorted, each once.
    limit
        Bases that a read has at most: no repeat is followed further.
    """

    def __init__(
        self, genome: pysam.FastaFile, contig: str, alleles: pd.DataFrame, limit: int
    ) -> None:
        self._genome, self._contig, self._limit = genome, contig, limit
        self._reach = limit + _PAST_LIMIT
        columns = (alleles[column].to_numpy(dtype=object) for column in KEY)
        keys = list(zip(*columns, strict=True))
        self._keys = [key for key in keys if len(key[1]) <= _LONG]
        self._long = [key for key in keys if len(key[1]) > _LONG]
        self._starts = [position - 1 for position, _, _ in self._keys]
        self._footprint = cache(self._find_footprint)
        self._fit = cache(self._make_fit)
        self._may_be_hidden = cache(self._look_beside)
        self._is_simple = cache(self._is_base_by_itself)
        self._around = cache(self._read_reference)

    def footprint(self, position: int, ref: str, alt: str) -> Footprint:
        """Find how far a normalised allele reaches; `position` is 1-based."""
        return self._footprint(position, ref, alt)

    def near(self, start: int, stop: int, *, besides: Footprint | None = None) -> list[Footprint]:
        """List the alleles whose footprint reaches into an interval."""
        first = bisect_left(self._starts, start - _LONG - self._reach)
        last = bisect_left(self._starts, stop)
        keys = self._keys[first:last] + [key for key in self._long if key[0] <= stop]
        found = [
            self.footprint(*key)
            for key in keys
            if key[0] - 1 + len(key[1]) + self._reach > start  # before the reference is read
        ]
        return [each for each in found if each.stop > start and each != besides]

    def shown(self, lay: Layout, bases: str, where: Footprint) -> Shown:
        """Tell what a read shows of an allele.

        The CIGAR decides where it is plain, the haplotypes where it is not (see `haplotype_fit`);
        of a base that they do not explain, the CIGAR again.
        """
        seen = Shown(*evidence(lay, bases, where))
        if not lay.gaps and self._is_simple(where):  # nearly always, so this comes first
            return seen
        if lay.is_plain_at(where) and self._is_plain(bases, seen, where):
            return seen
        part = lay.part_over(where, FLANK)
        if part is None:
            return Shown(Evidence.UNINFORMATIVE, 0, 0)
        first, after = part
        fit = self._fit(where).judge(bases[first:after])
        if fit is None:
            return seen if where.is_single_base else Shown(Evidence.UNINFORMATIVE, 0, 0)
        judged, at = fit
        length = len(where.alternate if judged is Evidence.ALTERNATE else where.reference)
        return Shown(judged, first + at, min(first + at + length, after))

    def _is_plain(self, bases: str, seen: Shown, where: Footprint) -> bool:
        """Whether the CIGAR decides, where it has no gap beside an allele."""
        if seen.evidence is Evidence.REFERENCE and not where.is_single_base:
            return self._is_reference_beside(bases, seen, where)
        if self._may_be_hidden(where):
            return seen.evidence is Evidence.REFERENCE and self._is_reference_beside(
                bases, seen, where
            )
        return where.is_single_base or seen.evidence is Evidence.ALTERNATE

    def _is_reference_beside(self, bases: str, seen: Shown, where: Footprint) -> bool:
        first = max(0, seen.start - NEARBY)
        begin = max(0, where.start - (seen.start - first))
        reference = self._around(begin, where.stop + NEARBY)
        return reference.startswith(bases[first : seen.stop + NEARBY])

    def _is_base_by_itself(self, where: Footprint) -> bool:
        return where.is_single_base and not self._may_be_hidden(where)

    def _look_beside(self, where: Footprint) -> bool:
        """Whether other called alleles may look like an allele, or look like it is not there."""
        beside = self.near(where.start - FLANK, where.stop + FLANK, besides=where)
        return any(
            each.changes_length
            or (not each.is_single_base and each.start < where.stop and where.start < each.stop)
            for each in beside
        )

    def _read_reference(self, begin: int, end: int) -> str:
        return str(self._genome.fetch(self._contig, begin, end).upper())

    def _find_footprint(self, position: int, ref: str, alt: str) -> Footprint:
        return footprint(self._genome, self._contig, position, ref, alt, limit=self._limit)

    def _make_fit(self, where: Footprint) -> HaplotypeFit:
        begin = max(0, where.start - 2 * FLANK)
        others = self.near(where.start - FLANK, where.stop + FLANK, besides=where)
        reference = self._read_reference(begin, where.stop + 2 * FLANK)
        return HaplotypeFit(where, tuple(others), begin, reference)
