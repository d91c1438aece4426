"""The (individual, contig) units of work, and the contigs that are left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evoflow.errors import InputError
from evoflow.extract.vcf.normalise import Written
from evoflow.extract.vcf.plain_vcf import Source
from evoflow.inputs import agreement
from evoflow.settings import DataSettings, Individual

OUTSIDE = "outside the regions"
OTHER_BASES = "REF is not what the reference has"


@dataclass(frozen=True)
class Unit:
    """An individual's contig.

    Attributes
    ----------
    individual
        The person; the sample is spelled as in the settings.
    contig
        The contig as the reference spells it.
    contig_length
        Bases of the contig.
    reads_spelling
        The contig's name in the reads.
    reads_reference
        FASTA whose contigs are spelled as in the reads, to restore a CRAM's bases.
    called
        Where the individual's alleles are.
    called_records
        How many records the individual's file has on the contig, also outside the regions.
    sample
        The sample's name as the individual's file spells it.
    clinvar
        Where ClinVar's alleles are.
    clinvar_table
        The contig's table that `normalise.write_clinvar` made; empty where ClinVar lists nothing.
    """

    individual: Individual
    contig: str
    contig_length: int
    reads_spelling: str
    reads_reference: str
    called: Source
    called_records: int
    sample: str
    clinvar: Source
    clinvar_table: Path


@dataclass(frozen=True)
class LeftOut:
    """A contig with records of ClinVar or of an individual that is not a unit.

    Attributes
    ----------
    individual
        The sample.
    contig
        As the reference spells it; where it does not have it, as the individual's file does.
    reason
        Why.
    records
        How many records the individual's file has there.
    """

    individual: str
    contig: str
    reason: str
    records: int


@dataclass(frozen=True)
class Plan:
    """The units to work on, and the contigs that are left out.

    Attributes
    ----------
    units
        The units, individual by individual, contigs in the reference's order.
    left_out
        All other contigs with records.
    """

    units: tuple[Unit, ...]
    left_out: tuple[LeftOut, ...]

    def agreeing(self, data: DataSettings, written: Sequence[Written]) -> "Plan":
        """Leave out the contigs on which an individual's REF is not what the reference has.

        `written` are the tables of the individuals' alleles, in the order of the units.

        Raises
        ------
        InputError
            With a problem per individual where most of the records are on such contigs.
        """
        wrong: set[Unit] = set()
        problems = []
        for person in data.individuals:
            own = {
                unit.contig: (unit, each)
                for unit, each in zip(self.units, written, strict=True)
                if unit.individual == person
            }
            try:
                differing = agreement.contigs_of_other_bases(
                    str(data.reference),
                    person.variants,
                    {contig: each for contig, (_, each) in own.items()},
                )
            except InputError as error:
                problems += error.problems
            else:
                wrong |= {own[contig][0] for contig in differing}
        if problems:
            raise InputError(problems)
        more = [
            LeftOut(unit.individual.sample, unit.contig, OTHER_BASES, unit.called_records)
            for unit in self.units
            if unit in wrong
        ]
        kept = tuple(unit for unit in self.units if unit not in wrong)
        return Plan(kept, (*self.left_out, *more))
