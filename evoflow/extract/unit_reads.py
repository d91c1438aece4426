"""The reads of every unit: those of all alleles, and of reference loci until there are enough."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from evoflow.extract import reference_loci
from evoflow.extract.example_rows import ReferencePart, Taken, carrier_parts, reference_parts, take
from evoflow.extract.found_alleles import Found
from evoflow.extract.pool import Pool
from evoflow.extract.units import Unit
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
        _of_person({unit: each for unit, each in found.items() if unit.individual == person}, data)
        for person in dict.fromkeys(unit.individual for unit in found)
    ]
    reads = {unit: UnitReads() for unit in found}
    carriers = [
        part
        for unit, each in found.items()
        for part in carrier_parts(unit, each.alleles, each.called)
    ]
    references = [part for draw in draws for part in draw.next_parts()]
    while carriers or references:
        done = expect(len(carriers) + len(references))
        taken = take(pool, [*carriers, *references], data, done)
        for carried, each in zip(carriers, taken[: len(carriers)], strict=True):
            reads[carried.unit].carriers.append(each)
        for drawn, each in zip(references, taken[len(carriers) :], strict=True):
            reads[drawn.unit].references.append(each)
        _leave_out_ambiguous(reads.values())
        for draw in draws:
            draw.loci.kept = sum(
                len(each.examples) for unit in draw.units for each in reads[unit].references
            )
        carriers, references = [], [part for draw in draws for part in draw.next_parts()]
    return reads


@dataclass(frozen=True)
class _PersonDraw:
    """An individual's units and the draw of reference loci over all of them."""

    units: Mapping[Unit, Found]
    loci: reference_loci.Draw

    def next_parts(self) -> list[ReferencePart]:
        return [
            part
            for (unit, found), positions in zip(
                self.units.items(), self.loci.next_positions(), strict=True
            )
            for part in reference_parts(unit, positions, found)
        ]


def _leave_out_ambiguous(reads: Collection[UnitReads]) -> None:
    """Leave out reference reads with the bases of a carrier read of any individual."""
    carried = {
        sequence
        for unit in reads
        for each in unit.carriers
        for sequence in each.examples["sequence"]
    }
    for unit in reads:
        unit.references[:] = [each.without(carried) for each in unit.references]


def _of_person(units: Mapping[Unit, Found], data: DataSettings) -> _PersonDraw:
    contigs = [
        reference_loci.ContigLoci(
            unit.individual.sample, unit.contig, found.positions, found.num_positions
        )
        for unit, found in units.items()
    ]
    return _PersonDraw(units, reference_loci.Draw(contigs, data.reference_loci, data.seed))
