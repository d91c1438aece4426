"""Rows of the table of examples: reads of alleles and of reference loci, a part at a time.

Worker processes share the parts, which are the same whatever the number of processes; none
depends on another.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pandas as pd
import pysam

from evoflow.extract import reads, reference_loci, variants
from evoflow.extract.alignment import Evidence, footprint
from evoflow.extract.normalise import KEY
from evoflow.extract.pool import Pool
from evoflow.extract.units import Found, Unit
from evoflow.impact import REFERENCE
from evoflow.settings import DataSettings

_LOCI_AT_ONCE = 2_500
"""Loci of a part: what bounds the disk and the memory that their reads take."""


@dataclass(frozen=True)
class CarrierPart:
    """Alleles of a unit whose carrier reads are wanted.

    Attributes
    ----------
    unit
        Whose.
    alleles
        As in `units.Found`.
    """

    unit: Unit
    alleles: pd.DataFrame


@dataclass(frozen=True)
class ReferencePart:
    """Reference loci of a unit, of each of which a read is wanted.

    Attributes
    ----------
    unit
        Whose.
    positions
        As in `units.Found`.
    """

    unit: Unit
    positions: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Taken:
    """The reads of a part.

    Attributes
    ----------
    loci
        How many loci the part has.
    examples
        One row per locus and read; reference reads have their `rank` too.
    counts
        Why each read over each locus was kept or dropped.
    longest_read
        Length of the longest read that was too short.
    """

    loci: int
    examples: pd.DataFrame
    counts: Counter[str]
    longest_read: int


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
        _of_person([unit for unit in found if unit.individual == person], found, data)
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
            draw.loci.kept = sum(
                len(each.examples) for unit in draw.units for each in reads[unit].references
            )
        carriers, references = [], [part for draw in draws for part in draw.next_parts()]
    return reads


@dataclass(frozen=True)
class _PersonDraw:
    """An individual's units and the draw of reference loci over all of them."""

    units: Sequence[Unit]
    loci: reference_loci.Draw

    def next_parts(self) -> list[ReferencePart]:
        return [
            part
            for unit, positions in zip(self.units, self.loci.next_positions(), strict=True)
            for part in reference_parts(unit, positions)
        ]


def _of_person(
    units: Sequence[Unit], found: Mapping[Unit, Found], data: DataSettings
) -> _PersonDraw:
    contigs = [
        reference_loci.ContigLoci(
            unit.individual.sample, unit.contig, found[unit].positions, found[unit].num_positions
        )
        for unit in units
    ]
    return _PersonDraw(units, reference_loci.Draw(contigs, data.reference_loci, data.seed))


def carrier_parts(unit: Unit, alleles: pd.DataFrame) -> list[CarrierPart]:
    """Divide a unit's alleles."""
    starts = range(0, len(alleles), _LOCI_AT_ONCE)
    return [CarrierPart(unit, alleles[start : start + _LOCI_AT_ONCE]) for start in starts]


def reference_parts(unit: Unit, positions: npt.NDArray[np.int64]) -> list[ReferencePart]:
    """Divide a unit's reference loci."""
    starts = range(0, len(positions), _LOCI_AT_ONCE)
    return [ReferencePart(unit, positions[start : start + _LOCI_AT_ONCE]) for start in starts]


def take(
    pool: Pool,
    parts: Sequence[CarrierPart | ReferencePart],
    data: DataSettings,
    done: Callable[[int], None],
) -> list[Taken]:
    """Take the reads of each part; `done` is called with the number of parts done."""
    return pool.run(
        partial(_take_part, data=data),
        parts,
        name=lambda part: f"{part.unit.individual.sample}, contig {part.unit.contig}",
        done=done,
    )


def _take_part(part: CarrierPart | ReferencePart, data: DataSettings) -> Taken:
    if isinstance(part, CarrierPart):
        return _take(part.unit, part.alleles, Evidence.ALTERNATE, data.reads_per_variant, data)
    unit, positions = part.unit, part.positions
    bounds = int(positions[0]), int(positions[-1])
    clinvar = variants.read_clinvar(unit.clinvar_table, unit.clinvar, bounds)
    at = reference_loci.loci_at(positions, clinvar).assign(
        rank=reference_loci.ranks(positions, data.seed, unit.individual.sample, unit.contig),
        genotype="0/0",
        consequence=REFERENCE.term,
        impact=REFERENCE.impact,
        impact_score=REFERENCE.score,
    )
    # One read is wanted of the dozens over a locus: nearly always a sample of them has one.
    sampled = _take(unit, at, Evidence.REFERENCE, 1, data, sample=True)
    without = at[~at["position"].isin(sampled.examples["position"])]
    if without.empty:
        return sampled
    rest = _take(unit, without, Evidence.REFERENCE, 1, data)
    return Taken(
        len(at),
        pd.concat([sampled.examples, rest.examples], ignore_index=True),
        sampled.counts + rest.counts,
        max(sampled.longest_read, rest.longest_read),
    )


def _take(
    unit: Unit,
    alleles: pd.DataFrame,
    shown: Evidence,
    wanted: int,
    data: DataSettings,
    *,
    sample: bool = False,
) -> Taken:
    """Take the reads of alleles or loci that are sorted by position."""
    chooser = reads.ReadChooser(
        reads.ReadRules(data.read_length, data.min_mapping_quality, wanted, shown, data.seed),
        unit.contig_length,
        f"{unit.individual.sample} {unit.contig}",
        sampled=sample,
    )
    with (
        TemporaryDirectory(prefix="evoflow-") as folder,
        pysam.FastaFile(str(data.reference)) as genome,
    ):
        footprints = [
            footprint(genome, unit.contig, position, ref, alt, limit=data.read_length)
            for position, ref, alt in alleles[KEY].itertuples(index=False)
        ]
        alignments = reads.reads_over(
            unit.individual.reads,
            unit.reads_spelling,
            footprints,
            unit.reads_reference,
            Path(folder),
            sample=sample,
        )
        chosen = chooser.choose(alignments, footprints)
        examples = _examples(unit, alleles, chosen, genome, data.read_length)
    examples["carries_alt"] = shown is Evidence.ALTERNATE
    return Taken(len(alleles), examples, chooser.counts, chooser.longest)


def _examples(
    unit: Unit,
    alleles: pd.DataFrame,
    chosen: Sequence[Sequence[reads.ChosenRead]],
    genome: pysam.FastaFile,
    length: int,
) -> pd.DataFrame:
    """One row per locus and read."""
    table = alleles.iloc[[number for number, kept in enumerate(chosen) for _ in kept]]
    kept = [read for of_locus in chosen for read in of_locus]
    begins = [read.reference_start for read in kept]
    return variants.described(table).assign(
        individual=unit.individual.sample,
        contig=unit.contig,
        read_name=[read.name for read in kept],
        strand=[read.strand for read in kept],
        mapping_quality=[read.mapping_quality for read in kept],
        sequence=[read.sequence for read in kept],
        reference_sequence=[
            genome.fetch(unit.contig, begin, begin + length).upper() for begin in begins
        ],
        variant_offset=[read.offset for read in kept],
    )
