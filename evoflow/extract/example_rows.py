"""Rows of the table of examples: reads over the loci of a unit, a part at a time.

Worker processes share the parts, which are the same whatever the number of processes; none
depends on another.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pandas as pd

from evoflow.extract import reference_loci
from evoflow.extract.evidence import reads
from evoflow.extract.evidence.alignment import Evidence
from evoflow.extract.evidence.called_alleles import CalledAlleles
from evoflow.extract.evidence.read_choice import ReadChooser
from evoflow.extract.evidence.read_trimming import ChosenRead, ReadRules
from evoflow.extract.found_alleles import Found
from evoflow.extract.pool import Pool
from evoflow.extract.units import Unit
from evoflow.extract.vcf import variants
from evoflow.extract.vcf.normalise import KEY
from evoflow.files.htslib import Fasta
from evoflow.impact import REFERENCE
from evoflow.settings import DataSettings

_LOCI_AT_ONCE = 2_500
"""Loci of a part: what bounds the disk and the memory that their reads take."""

_REACH = 20_000
"""Bases from a locus beyond which no allele matters to the bases that are kept of a read."""


SAME_BASES = "has the bases of a read that carries an allele"


@dataclass(frozen=True)
class CarrierPart:
    """Alleles of a unit whose carrier reads are wanted.

    Attributes
    ----------
    unit
        Whose.
    alleles
        As in `Found`.
    called
        As in `Found`.
    """

    unit: Unit
    alleles: pd.DataFrame
    called: Path


@dataclass(frozen=True)
class ReferencePart:
    """Reference loci of a unit; one read is wanted of each.

    Attributes
    ----------
    unit
        Whose.
    positions
        As in `Found`.
    called
        As in `Found`.
    """

    unit: Unit
    positions: npt.NDArray[np.int64]
    called: Path


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
    without_clean_read
        Reference loci that gave no read because those over it carry another allele.
    longest_read
        Length of the longest read that was too short.
    ambiguous
        Reference loci whose read was left out because a carrier read has the same bases.
    """

    loci: int
    examples: pd.DataFrame
    counts: Counter[str]
    without_clean_read: int
    longest_read: int
    ambiguous: int = 0

    def without(self, sequences: Collection[str]) -> "Taken":
        """Leave out reads with these sequences, which would otherwise have two labels."""
        held = self.examples["sequence"].isin(sequences)
        left_out = int(held.sum())
        counts = self.counts - Counter({"kept": left_out})
        counts[SAME_BASES] += left_out
        return replace(
            self,
            examples=self.examples[~held],
            counts=counts,
            ambiguous=self.ambiguous + left_out,
        )


def carrier_parts(unit: Unit, alleles: pd.DataFrame, called: Path) -> list[CarrierPart]:
    """Divide a unit's alleles; `alleles` and `called` as in `Found`."""
    starts = range(0, len(alleles), _LOCI_AT_ONCE)
    return [CarrierPart(unit, alleles[start : start + _LOCI_AT_ONCE], called) for start in starts]


def reference_parts(
    unit: Unit, positions: npt.NDArray[np.int64], found: Found
) -> list[ReferencePart]:
    """Divide a unit's reference loci."""
    starts = range(0, len(positions), _LOCI_AT_ONCE)
    return [
        ReferencePart(unit, positions[start : start + _LOCI_AT_ONCE], found.called)
        for start in starts
    ]


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
        return _take(part, part.alleles, Evidence.ALTERNATE, data.reads_per_variant, data)
    unit, positions = part.unit, part.positions
    clinvar = variants.read_clinvar(unit.clinvar_table, unit.clinvar, positions)
    at = reference_loci.loci_at(clinvar).assign(
        rank=reference_loci.ranks(positions, data.seed, unit.individual.sample, unit.contig),
        genotype="0/0",
        consequence=REFERENCE.term,
        impact=REFERENCE.impact,
        impact_score=REFERENCE.score,
    )
    # One read is wanted of the dozens over a locus: nearly always a sample of them has one.
    sampled = _take(part, at, Evidence.REFERENCE, 1, data, sample=True)
    without = at[~at["position"].isin(sampled.examples["position"])]
    if without.empty:
        return sampled
    rest = _take(part, without, Evidence.REFERENCE, 1, data)
    return Taken(
        len(at),
        pd.concat([sampled.examples, rest.examples], ignore_index=True),
        sampled.counts + rest.counts,
        rest.without_clean_read,
        max(sampled.longest_read, rest.longest_read),
    )


def _take(
    part: CarrierPart | ReferencePart,
    alleles: pd.DataFrame,
    shown: Evidence,
    wanted: int,
    data: DataSettings,
    *,
    sample: bool = False,
) -> Taken:
    """Take the reads of alleles or loci that are sorted by position."""
    unit = part.unit
    rules = ReadRules(
        data.read_length,
        data.min_mapping_quality,
        data.min_base_quality,
        wanted,
        shown,
        data.seed,
        reads.own_read_groups(unit.individual.reads, unit.individual.sample),
    )
    with (
        TemporaryDirectory(prefix="evoflow-") as folder,
        Fasta(str(data.reference)) as genome,
    ):
        called = CalledAlleles(genome, unit.contig, _near(part.called, alleles), data.read_length)
        footprints = [called.footprint(*key) for key in alleles[KEY].itertuples(index=False)]
        chooser = ReadChooser(
            rules,
            genome,
            unit.contig,
            called,
            f"{unit.individual.sample} {unit.contig}",
            sampled=sample,
        )
        alignments = reads.reads_over(
            unit.individual.reads,
            unit.reads_spelling,
            footprints,
            unit.reads_reference,
            Path(folder),
            sample=sample,
        )
        chosen = chooser.choose(alignments, footprints)
    examples = _examples(unit, alleles, chosen)
    examples["carries_alt"] = shown is Evidence.ALTERNATE
    return Taken(
        len(alleles), examples, chooser.counts, chooser.without_clean_read, chooser.longest
    )


def _near(path: Path, loci: pd.DataFrame) -> pd.DataFrame:
    """Read the called alleles that reads over some loci may show."""
    called = pd.DataFrame(pd.read_pickle(path))  # noqa: S301 - written by `found_alleles.find`
    start, stop = loci["position"].min() - _REACH, loci["position"].max() + _REACH
    before = called["position"] + called["ref"].str.len() > start
    near: pd.DataFrame = called[before & (called["position"] < stop)]
    return near


def _examples(
    unit: Unit, alleles: pd.DataFrame, chosen: Sequence[Sequence[ChosenRead]]
) -> pd.DataFrame:
    """One row per locus and read."""
    table = alleles.iloc[[number for number, kept in enumerate(chosen) for _ in kept]]
    kept = [read for of_locus in chosen for read in of_locus]
    return variants.described(table).assign(
        individual=unit.individual.sample,
        contig=unit.contig,
        other_alleles=[read.other_alleles for read in kept],
        read_name=[read.name for read in kept],
        strand=[read.strand for read in kept],
        mapping_quality=[read.mapping_quality for read in kept],
        sequence=[read.sequence for read in kept],
        reference_sequence=[read.reference for read in kept],
        variant_offset=[read.offset for read in kept],
        reference_start=[read.reference_start for read in kept],
        reference_end=[read.reference_end for read in kept],
    )
