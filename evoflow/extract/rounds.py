"""All reads of all units, in rounds: reference loci are drawn over all contigs of an individual."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from evoflow.extract.loci import ranks
from evoflow.extract.pool import Pool
from evoflow.extract.taking import (
    CarrierPart,
    ReferencePart,
    Taken,
    carrier_parts,
    reference_parts,
    take,
)
from evoflow.extract.units import Found, Unit
from evoflow.settings import DataSettings


@dataclass(frozen=True)
class UnitReads:
    """The parts of a unit's carrier reads and of its reference reads."""

    carriers: list[Taken] = field(default_factory=list)
    references: list[Taken] = field(default_factory=list)


def take_reads(
    pool: Pool,
    found: Mapping[Unit, Found],
    data: DataSettings,
    expect: Callable[[int], Callable[[int], None]],
) -> dict[Unit, UnitReads]:
    """Take the carrier reads of all alleles and a read at as many reference loci as are wanted.

    Of an individual's reference loci those of lowest rank are looked at; where some have no read,
    the next ones too, until there are enough.

    Parameters
    ----------
    pool
        Where the reads are taken.
    found
        All units, with what they have.
    data
        The inputs.
    expect
        Told how many parts are to come; returns what is called with the number of them done.

    Returns
    -------
    dict
        For each unit its reads. Of an individual's reference reads those of lowest rank are the
        ones wanted; there may be more.
    """
    draws = [
        _Draw.of({unit: each for unit, each in found.items() if unit.individual == person}, data)
        for person in dict.fromkeys(unit.individual for unit in found)
    ]
    reads = {unit: UnitReads() for unit in found}
    parts: list[CarrierPart | ReferencePart] = [
        part for unit, each in found.items() for part in carrier_parts(unit, each.alleles)
    ]
    while parts := parts + [part for draw in draws for part in draw.next_parts()]:
        taken = take(pool, parts, data, expect(len(parts)))
        for part, each in zip(parts, taken, strict=True):
            of_unit = reads[part.unit]
            kind = of_unit.carriers if isinstance(part, CarrierPart) else of_unit.references
            kind.append(each)
        for draw in draws:
            draw.kept = sum(
                len(each.examples) for unit in draw.units for each in reads[unit].references
            )
        parts = []
    return reads


@dataclass
class _Draw:
    """One individual's loci in the order of their ranks, and how far they were looked at."""

    units: Sequence[Unit]
    number: npt.NDArray[np.int64]
    position: npt.NDArray[np.int64]
    wanted: int
    looked: int = 0
    kept: int = 0

    @classmethod
    def of(cls, found: Mapping[Unit, Found], data: DataSettings) -> "_Draw":
        sizes = [len(each.positions) for each in found.values()]
        number = np.repeat(np.arange(len(sizes)), sizes)
        position = np.concatenate([each.positions for each in found.values()])
        rank = np.concatenate(
            [
                ranks(each.positions, data.seed, unit.individual.sample, unit.contig)
                for unit, each in found.items()
            ]
        )
        order = np.lexsort((position, number, rank))
        wanted = len(position) if data.reference_loci == "all" else int(data.reference_loci)
        return cls(list(found), number[order], position[order], wanted)

    def next_parts(self) -> list[ReferencePart]:
        """Return as many loci as should give what is still missing, by the share that did."""
        share = max(self.kept / self.looked, 0.1) if self.looked else 1.0
        more = slice(self.looked, self.looked + math.ceil((self.wanted - self.kept) / share))
        number, position = self.number[more], self.position[more]
        self.looked += len(position)
        return [
            part
            for index, unit in enumerate(self.units)
            for part in reference_parts(unit, np.sort(position[number == index]))
        ]
