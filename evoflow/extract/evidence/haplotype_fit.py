"""Decide by haplotypes whether a read carries an allele, where its CIGAR is ambiguous.

Aligners place the gap of a deletion-insertion wherever a base repeats, and a substitution within a
repeat hides a deletion there. So the read's bases are aligned with every haplotype that has the
allele and with every one that has not; the other alleles of the individual nearby may be on either,
at any place within their repeat. All positions are 0-based and half-open.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product
from typing import NamedTuple

import edlib

from evoflow.extract.evidence.alignment import Evidence, Footprint

FLANK = 25
"""Bases on both sides of an allele's repeat that are compared too."""

_BESIDE = 5
"""Bases that a read must have on both sides of an allele's repeat; with fewer it cannot tell."""

_MOST = 256
"""Combinations of alleles that are tried with an allele; alleles further away are left out."""


class _Edit(NamedTuple):
    """Reference bases that other bases replace."""

    start: int
    stop: int
    bases: str


@dataclass(frozen=True)
class _Haplotype:
    """The reference with some alleles, around one of them.

    Attributes
    ----------
    bases
        Its bases.
    core
        The part that a read must show without a gap: the allele, or what the reference has in its
        place, and its repeat.
    own
        The bases that make the allele, which a read must show without an error.
    """

    bases: str
    core: tuple[int, int]
    own: tuple[int, int]


@dataclass(frozen=True)
class HaplotypeFit:
    """Compares reads with the haplotypes that have an allele and with those that have not.

    Attributes
    ----------
    where
        The allele.
    others
        The other alleles of the individual.
    begin
        Where `reference` starts.
    reference
        The reference around the allele: its repeat and twice `FLANK` on both sides.
    """

    where: Footprint
    others: tuple[Footprint, ...]
    begin: int
    reference: str

    def judge(self, bases: str) -> tuple[Evidence, int] | None:
        """Compare bases of a read: those over the allele's repeat and `FLANK` on both sides.

        Returns
        -------
        evidence
            ALTERNATE where they fit a haplotype with the allele strictly better than each without
            it, REFERENCE the other way round; OTHER where they do not show its core;
            UNINFORMATIVE where they are those of haplotypes of both kinds.
        start
            Index of the allele's first base, or of what the reference has in its place.

        None where haplotypes of both kinds fit alike, and none without a difference, or those of
        both kinds are the same: the called alleles do not explain the read.
        """
        cost_with = _cost(bases, self._with)
        cost_without = _cost(bases, self._without)
        if cost_with < cost_without:
            found = _place(bases, self._with, cost_without, self.where.alt)
            return (Evidence.OTHER, 0) if found is None else (Evidence.ALTERNATE, found)
        if cost_without < cost_with:
            found = _place(bases, self._without, cost_with, self.where.ref)
            return (Evidence.OTHER, 0) if found is None else (Evidence.REFERENCE, found)
        if cost_with:
            return None
        same = _fitting(bases, self._with) == _fitting(bases, self._without)
        return None if same else (Evidence.UNINFORMATIVE, 0)

    @cached_property
    def _with(self) -> list[_Haplotype]:
        return self._haplotypes(carried=True)

    @cached_property
    def _without(self) -> list[_Haplotype]:
        # Other alleles may be the parts of this one: callers list an MNV and its substitutions.
        alone = self._with[0].bases
        return [each for each in self._haplotypes(carried=False) if each.bases != alone]

    def _haplotypes(self, *, carried: bool) -> list[_Haplotype]:
        """Write every haplotype with the allele or without it; the first has no other allele."""
        own = _placements(self.where, self.others) if carried else [None]
        options: list[list[_Edit | None]] = []
        combinations = len(own)
        for other in sorted(self.others, key=self._distance):
            placements = _placements(other, [self.where, *self.others])
            combinations *= len(placements) + 1
            if combinations > _MOST:
                break
            options.append([None, *placements])
        found: dict[_Haplotype, None] = {}
        for edit, *rest in product(own, *options):
            edits = sorted({each for each in (edit, *rest) if each is not None})
            if self._fit_together(edits):
                found[self._write(edits, edit)] = None
        return list(found)

    def _distance(self, other: Footprint) -> tuple[int, int, str, str]:
        apart = max(other.start - self.where.stop, self.where.start - other.stop, 0)
        return apart, other.start, other.reference, other.alternate

    def _fit_together(self, edits: Sequence[_Edit]) -> bool:
        end = self.begin + len(self.reference)
        return all(self.begin <= each.start and each.stop <= end for each in edits) and all(
            one.stop <= other.start and one[:2] != other[:2] for one, other in pairwise(edits)
        )

    def _write(self, edits: Sequence[_Edit], own: _Edit | None) -> _Haplotype:
        pieces, position = [], self.begin
        for edit in edits:
            pieces += [self.reference[position - self.begin : edit.start - self.begin], edit.bases]
            position = edit.stop
        bases = "".join(pieces) + self.reference[position - self.begin :]
        others = [each for each in edits if each != own]
        start, stop = self.where.start, self.where.stop
        # An insertion by another allele right before a place is not part of it.
        before = [each for each in others if each.start < start or each.start == each.stop == start]
        inside = [each for each in others if each.start < stop]
        core = self._length(start, edits, before), self._length(stop, edits, inside)
        if own is None:
            return _Haplotype(bases, core, (0, 0))
        made = self._length(own.start, edits, [each for each in others if each < own])
        length = len(own.bases)
        return _Haplotype(bases, (core[0], core[1] + length), (made, made + length))

    def _length(self, position: int, edits: Sequence[_Edit], before: Sequence[_Edit]) -> int:
        """Count a haplotype's bases before a reference position, those of some edits among them."""
        replaced = sum(max(0, min(each.stop, position) - each.start) for each in edits)
        return position - self.begin - replaced + sum(len(each.bases) for each in before)


def _placements(where: Footprint, others: Sequence[Footprint]) -> list[_Edit]:
    """List the places of an allele that differ by the side of another allele on which it lies."""
    first = where.start + where.anchored
    end = where.start + len(where.ref)
    bases = where.alt[where.anchored :]
    shifts = {0}
    for other in others:
        if other != where:
            after = other.start + len(other.ref) - first
            shifts |= {after, after + 1}  # the latter for two insertions at one place
    return [
        _Edit(first + by, end + by, _rotated(bases, by) if bases else "")
        for by in sorted(shifts)
        if 0 <= by <= where.tail
    ]


def _rotated(bases: str, by: int) -> str:
    return bases[by % len(bases) :] + bases[: by % len(bases)]


def _cost(bases: str, haplotypes: Sequence[_Haplotype]) -> int:
    """Edit distance to the part of a haplotype that fits best."""
    best = len(bases)
    for each in haplotypes:
        if not best:
            break
        best = _distance(bases, each, best)
    return best


def _fitting(bases: str, haplotypes: Sequence[_Haplotype]) -> set[str]:
    """List the haplotypes that some bases are a part of."""
    return {each.bases for each in haplotypes if bases in each.bases}


def _distance(bases: str, haplotype: _Haplotype, limit: int) -> int:
    """Edit distance to the part of a haplotype that fits best, or `limit` where it is not less."""
    aligned = edlib.align(bases, haplotype.bases, mode="HW", task="distance", k=limit - 1)
    return int(aligned["editDistance"]) if aligned["editDistance"] >= 0 else limit


def _place(bases: str, haplotypes: Sequence[_Haplotype], limit: int, allele: str) -> int | None:
    """Find where a haplotype's core lies on a read so that all costs less than `limit`.

    Of places that cost the same, one at which the read's bases are the allele's is the best: where
    two alleles insert bases side by side, a core may begin with those of the other.
    """
    best: tuple[int, bool, int] | None = None
    for each in haplotypes:
        if _distance(bases, each, limit) == limit:  # wherever its core lies
            continue
        for cost, start in _placed(bases, each, limit):
            place = cost, not bases.startswith(allele, start), start
            best = min(best or place, place)
            limit = best[0] + 1
    return None if best is None else best[2]


def _placed(bases: str, haplotype: _Haplotype, limit: int) -> Iterator[tuple[int, int]]:
    begin, end = haplotype.core
    core = haplotype.bases[begin:end]
    own = haplotype.own[0] - begin, haplotype.own[1] - begin
    before, behind = haplotype.bases[:begin][::-1], haplotype.bases[end:]
    for start in range(_BESIDE, len(bases) - len(core) - _BESIDE + 1):
        seen = bases[start : start + len(core)]
        if seen[own[0] : own[1]] != core[own[0] : own[1]]:
            continue
        cost = sum(one != other for one, other in zip(seen, core, strict=True))
        if cost < limit:
            cost += _beside(bases[:start][::-1], before)
        if cost < limit:
            cost += _beside(bases[start + len(core) :], behind)
        if cost < limit:
            yield cost, start


def _beside(bases: str, haplotype: str) -> int:
    """Edit distance to the start of a haplotype, as far as it fits best."""
    if not bases:
        return 0
    return int(edlib.align(bases, haplotype, mode="SHW", task="distance")["editDistance"])
