"""All reads of all units, in rounds: reference loci are drawn over all contigs of an individual."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from evoflow.extract.loci import ranks
from evoflow.extract.pool import Pool
from evoflow.extract.taking import (
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
        _Draw({unit: each for unit, each in found.items() if unit.individual == person}, data)
        for person in dict.fromkeys(unit.individual for unit in found)
    ]
    reads = {unit: UnitReads() for unit in found}
    carriers = [part for unit, each in found.items() for part in carrier_parts(unit, each.alleles)]
    references = [part for draw in draws for part in draw.next_parts()]
    while carriers or references:
        done = expect(len(carriers) + len(references))
        taken = take(pool, [*carriers, *references], data, done)
        for carried, each in zip(carriers, taken[: len(carriers)], strict=True):
            reads[carried.unit].carriers.append(each)
        for drawn, each in zip(references, taken[len(carriers) :], strict=True):
            reads[drawn.unit].references.append(each)
        for draw in draws:
            draw.kept = sum(
                len(each.examples) for unit in draw.found for each in reads[unit].references
            )
        carriers, references = [], [part for draw in draws for part in draw.next_parts()]
    return reads


@dataclass
class _Draw:
    """How many of an individual's loci were looked at, in the order of their ranks, and kept."""

    found: Mapping[Unit, Found]
    data: DataSettings
    looked: int = 0
    kept: int = 0

    def next_parts(self) -> list[ReferencePart]:
        """Return as many loci as should give what is still missing, by the share that did."""
        wanted = self.data.reference_loci
        held = sum(each.num_positions for each in self.found.values())
        missing = (held if wanted == "all" else int(wanted)) - self.kept
        if missing <= 0 or self.looked == held:
            return []
        share = max(self.kept / self.looked, 0.1) if self.looked else 1.0
        more = slice(self.looked, self.looked + math.ceil(missing / share))
        number, position = (column[more] for column in self._in_order())
        self.looked += len(position)
        return [
            part
            for index, unit in enumerate(self.found)
            for part in reference_parts(unit, np.sort(position[number == index]))
        ]

    def _in_order(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """List all loci by rank: the unit's number and the position."""
        of_units = [np.load(each.positions) for each in self.found.values()]
        rank = [
            ranks(positions, self.data.seed, unit.individual.sample, unit.contig)
            for unit, positions in zip(self.found, of_units, strict=True)
        ]
        number = np.repeat(np.arange(len(of_units)), [len(each) for each in of_units])
        position = np.concatenate(of_units)
        order = np.lexsort((position, number, np.concatenate(rank)))
        return number[order], position[order]
