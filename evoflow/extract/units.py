"""One (individual, contig) unit of work: from its files to its examples."""

import math
from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pandas as pd
import pysam

from evoflow.errors import InputError
from evoflow.extract import loci, reads, variants
from evoflow.extract.alignment import Evidence, footprint
from evoflow.extract.consequences import REFERENCE
from evoflow.settings import DataSettings, Individual

VARIANT = "variant"
LOCUS = "reference locus"
VARIANT_READ = "read over a variant"
LOCUS_READ = "read over a reference locus"
GENOTYPE = "genotype"
UNKNOWN_TERM = "unknown consequence term"


@dataclass(frozen=True)
class Unit:
    """What one task extracts.

    Attributes
    ----------
    individual
        The person.
    contig
        The contig as the reference spells it, and its length.
    contig_length
        Bases of the contig.
    reads_spelling
        The contig's name in the reads.
    called
        Where the individual's alleles are.
    clinvar
        Where ClinVar's alleles are.
    clinvar_table
        The contig's table that `variants.write_clinvar` made.
    """

    individual: Individual
    contig: str
    contig_length: int
    reads_spelling: str
    called: variants.Source
    clinvar: variants.Source
    clinvar_table: Path


@dataclass(frozen=True)
class UnitResult:
    """Examples of a unit; those at reference loci have their `rank` for the choice among contigs.

    Attributes
    ----------
    examples
        Rows of carrier reads.
    references
        Rows of reference reads, with the extra column `rank`.
    counts
        Count by (subject, reason).
    longest_read
        Length of the longest read seen.
    """

    examples: pd.DataFrame
    references: pd.DataFrame
    counts: Counter[tuple[str, str]]
    longest_read: int


def extract_unit(unit: Unit, data: DataSettings) -> UnitResult:
    """Extract the examples of an individual's contig."""
    counts: Counter[tuple[str, str]] = Counter()
    with (
        TemporaryDirectory(prefix="evoflow-") as name,
        pysam.FastaFile(str(data.reference)) as genome,
    ):
        folder = Path(name)
        table, mismatches = variants.write_called(
            unit.called, unit.individual.sample, str(data.reference), folder
        )
        carried, dropped, genotypes = variants.read_called(table, unit.called)
        _add(counts, VARIANT, dropped)
        counts[VARIANT, "REF differs from the reference"] += mismatches
        _add(counts, GENOTYPE, genotypes)
        joined, dropped, unknown = variants.join(
            carried, variants.read_clinvar(unit.clinvar_table, unit.clinvar), unit.called
        )
        _add(counts, VARIANT, dropped)
        if unknown and data.unknown_consequences == "error":
            raise InputError(_unknown_terms(data, unknown))
        _add(counts, UNKNOWN_TERM, unknown)
        taker = Taker(unit, data, genome, folder, counts)
        examples = taker.take(
            joined.sort_values(variants.KEY), Evidence.ALTERNATE, data.reads_per_variant
        )
        found = examples.drop_duplicates(variants.KEY)
        counts[VARIANT, "kept"] = len(found)
        counts[VARIANT, "no read carries it"] = len(joined) - len(found)
        positions, dropped = loci.reference_loci(
            carried,
            variants.read_clinvar(unit.clinvar_table, unit.clinvar),
            longest=data.read_length,
        )
        _add(counts, LOCUS, dropped)
        references = _take_references(taker, positions, data.reference_loci)
    return UnitResult(examples, references, +counts, taker.longest)


def _unknown_terms(data: DataSettings, unknown: Counter[str]) -> str:
    terms = ", ".join(sorted(unknown))
    return (
        f"{data.clinvar}: no table lists the consequence {terms}; with unknown_consequences: count "
        "such terms are counted and not used"
    )


def _add(counts: Counter[tuple[str, str]], subject: str, reasons: Counter[str]) -> None:
    for reason, count in reasons.items():
        counts[subject, reason] += count


def _ranks(positions: npt.NDArray[np.int64], salt: str) -> npt.NDArray[np.uint64]:
    """Hash positions with a salt (the finaliser of SplitMix64, vectorised)."""
    key = int.from_bytes(blake2b(salt.encode(), digest_size=8).digest(), "little")
    mixed = positions.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


def _take_references(
    taker: "Taker", positions: npt.NDArray[np.int64], wanted: int | str
) -> pd.DataFrame:
    """Take a read at the loci of lowest rank that have one, until there are enough."""
    unit = taker.unit
    ranks = _ranks(positions, f"{taker.data.seed} {unit.individual.sample} {unit.contig}")
    order = np.argsort(ranks, kind="stable")
    limit = len(positions) if wanted == "all" else int(wanted)
    taken = []
    looked, kept = 0, 0
    while looked < len(positions) and kept < limit:
        # As many as should give what is still missing, by the share that had a read so far.
        share = max(kept / looked, 0.1) if looked else 1.0
        part = order[looked : looked + math.ceil((limit - kept) / share)]
        clinvar = variants.read_clinvar(unit.clinvar_table, unit.clinvar)
        at = loci.loci_at(positions[part], clinvar).assign(
            rank=ranks[np.sort(part)],
            genotype="0/0",
            consequence=REFERENCE.term,
            impact=REFERENCE.impact,
            impact_score=REFERENCE.score,
        )
        found = taker.take(at, Evidence.REFERENCE, 1)
        looked, kept = looked + len(part), kept + len(found)
        taker.counts[LOCUS, "no read shows the reference"] += len(part) - len(found)
        taken.append(found)
    taker.counts[LOCUS, "not drawn"] += len(positions) - looked
    if not taken:
        return pd.DataFrame(columns=["rank", "contig", "position"])
    return pd.concat(taken, ignore_index=True).sort_values(["rank", "position"]).head(limit)


@dataclass
class Taker:
    """Takes reads of a unit, and keeps the account."""

    unit: Unit
    data: DataSettings
    genome: pysam.FastaFile
    folder: Path
    counts: Counter[tuple[str, str]]
    longest: int = 0

    def take(self, loci: pd.DataFrame, shown: Evidence, wanted: int) -> pd.DataFrame:
        """Make the examples of alleles or loci that are sorted by position."""
        unit, data = self.unit, self.data
        chooser = reads.ReadChooser(
            reads.ReadRules(data.read_length, data.min_mapping_quality, wanted, shown, data.seed),
            unit.contig_length,
            f"{unit.individual.sample} {unit.contig}",
        )
        footprints = [
            footprint(self.genome, unit.contig, position, ref, alt, limit=data.read_length)
            for position, ref, alt in loci[variants.KEY].itertuples(index=False)
        ]
        chosen: list[list[reads.ChosenRead]] = []
        for batch in reads.batches(footprints):
            alignments = reads.reads_over(
                unit.individual.reads, unit.reads_spelling, batch, str(data.reference), self.folder
            )
            chosen += chooser.choose(alignments, batch)
        subject = VARIANT_READ if shown is Evidence.ALTERNATE else LOCUS_READ
        _add(self.counts, subject, chooser.counts)
        self.longest = max(self.longest, chooser.longest)
        return self._examples(loci, chosen, carries_alt=shown is Evidence.ALTERNATE)

    def _examples(
        self, loci: pd.DataFrame, chosen: list[list[reads.ChosenRead]], *, carries_alt: bool
    ) -> pd.DataFrame:
        """One row per locus and read."""
        table = loci.iloc[[number for number, kept in enumerate(chosen) for _ in kept]]
        kept = [read for of_locus in chosen for read in of_locus]
        begins = [read.reference_start for read in kept]
        table = table.assign(
            individual=self.unit.individual.sample,
            contig=self.unit.contig,
            rsid=[rs_ids(value) for value in table["rs"]],
            significance=table["significance"].where(table["significance"] != ".", ""),
            gene=[gene_symbols(value) for value in table["gene"]],
            carries_alt=carries_alt,
            read_name=[read.name for read in kept],
            strand=[read.strand for read in kept],
            mapping_quality=[read.mapping_quality for read in kept],
            sequence=[read.sequence for read in kept],
            reference_sequence=[
                self.genome.fetch(self.unit.contig, begin, begin + self.data.read_length).upper()
                for begin in begins
            ],
            variant_offset=[read.offset for read in kept],
        )
        return table.rename(columns={"significance": "clinical_significance"})


def rs_ids(value: str) -> str:
    """Write `123,456` as `rs123;rs456`; `.` is missing."""
    return "" if value == "." else ";".join(f"rs{number}" for number in value.split(","))


def gene_symbols(value: str) -> str:
    """Name the genes of a GENEINFO value: `BRCA1:672|NBR2:10230` as `BRCA1,NBR2`."""
    return "" if value == "." else ",".join(gene.split(":")[0] for gene in value.split("|"))
