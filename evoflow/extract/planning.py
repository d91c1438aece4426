"""Find the units: the contigs that an individual's files, ClinVar and the reference share."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

from evoflow.extract.pool import Pool
from evoflow.extract.units import OTHER_BASES, LeftOut, Plan, Unit
from evoflow.extract.vcf import normalise
from evoflow.extract.vcf.normalise import Written
from evoflow.extract.vcf.plain_vcf import Source
from evoflow.inputs import agreement, cram, inventory, readable
from evoflow.inputs.contigs import Genome
from evoflow.inputs.inventory import Held, Regions
from evoflow.remote import local_files
from evoflow.settings import DataSettings, Individual

_OTHER_LENGTH = "it has another length than in the reference"


@dataclass(frozen=True)
class _Person:
    """An individual's files, and the contigs that have another length there."""

    individual: Individual
    reads: Held
    called: Held
    wrong: frozenset[str]


def plan_units(data: DataSettings, pool: Pool, folder: Path, *, unlisted: bool = False) -> Plan:
    """Find the units of every individual and write ClinVar's tables for them.

    Parameters
    ----------
    data
        The inputs, all local.
    pool
        Where the tables are written.
    folder
        Where they stay as long as the units need them.
    unlisted
        Whether contigs on which ClinVar has no record are units too.

    Raises
    ------
    InputError
        When a file speaks of another genome than the reference.
    """
    reference = str(data.reference)
    genome = inventory.read_genome(reference)
    regions = inventory.regions_of(data, genome)
    people = [_person(person, data, genome, regions) for person in data.individuals]
    clinvar = inventory.held_by_variants(str(data.clinvar), genome)
    shared = [
        [
            contig
            for contig in inventory.usable_contigs(regions, person.reads, person.called)
            if contig not in person.wrong
        ]
        for person in people
    ]
    wanted = [name for name in regions if any(name in names for names in shared)]
    local_files.provide_reference(reference, wanted)
    tables = _clinvar_tables(data, genome, clinvar, wanted, pool=pool, folder=folder)
    todo: list[Unit] = []
    left_out: list[LeftOut] = []
    for number, person in enumerate(people):
        decoding = cram.reference_of(
            person.individual.reads, person.reads, reference, folder / f"reference-{number}"
        )
        sample = readable.sample_of(person.individual)
        for contig in shared[number]:
            source, table, reason = tables[contig]
            if reason and not unlisted:
                continue
            todo.append(
                Unit(
                    individual=person.individual,
                    contig=contig,
                    contig_length=genome.lengths[contig],
                    reads_spelling=person.reads.spellings[contig][0],
                    reads_reference=decoding,
                    called=Source(
                        person.individual.variants,
                        person.called.spellings[contig],
                        contig,
                        regions[contig],
                    ),
                    called_records=person.called.records[contig],
                    sample=sample,
                    clinvar=source,
                    clinvar_table=table,
                )
            )
        of_clinvar = {} if unlisted else {name: why for name, (_, _, why) in tables.items() if why}
        left_out += _left_out(person, genome, regions, clinvar, of_clinvar)
    return Plan(tuple(todo), tuple(left_out))


def _person(person: Individual, data: DataSettings, genome: Genome, regions: Regions) -> _Person:
    """List what an individual's files hold."""
    reads = inventory.held_by_reads(person.reads, genome)
    called = inventory.held_by_variants(person.variants, genome)
    wrong: set[str] = set()
    for path, held in ((person.reads, reads), (person.variants, called)):
        listed = inventory.usable_contigs(regions, held)
        wrong |= set(
            agreement.contigs_of_another_length(str(data.reference), genome, path, held, listed)
        )
    return _Person(person, reads, called, frozenset(wrong))


def _clinvar_tables(
    data: DataSettings,
    genome: Genome,
    clinvar: Held,
    wanted: list[str],
    *,
    pool: Pool,
    folder: Path,
) -> dict[str, tuple[Source, Path, str]]:
    """Write ClinVar's table of each contig that is wanted; say why where it is empty."""
    reference, path = str(data.reference), str(data.clinvar)
    regions = inventory.regions_of(data, genome)
    sources = {
        name: Source(path, clinvar.spellings.get(name, ()), name, regions[name]) for name in wanted
    }
    reasons = {
        name: "ClinVar has no record on it" for name in wanted if name not in clinvar.records
    }
    listed = [name for name in wanted if name in clinvar.records]
    wrong = agreement.contigs_of_another_length(reference, genome, path, clinvar, listed)
    reasons |= dict.fromkeys(wrong, f"ClinVar: {_OTHER_LENGTH}")
    rest = [name for name in listed if name not in wrong]
    written = dict(
        zip(
            rest,
            pool.run(
                partial(_write_table, data=data, folder=folder),
                [sources[name] for name in rest],
                name=lambda source: f"{source.path}, contig {source.contig}",
            ),
            strict=True,
        )
    )
    differing = agreement.contigs_of_other_bases(reference, path, written)
    reasons |= dict.fromkeys(differing, f"ClinVar: {OTHER_BASES}")
    nothing = folder / "nothing.tsv"
    nothing.touch()
    return {
        name: (
            sources[name],
            nothing if name in reasons else written[name].table,
            reasons.get(name, ""),
        )
        for name in wanted
    }


def _write_table(source: Source, data: DataSettings, folder: Path) -> Written:
    own = Path(mkdtemp(dir=folder))
    return normalise.write_clinvar(source, str(data.reference), own, data.consequence_field)


def _left_out(
    person: _Person,
    genome: Genome,
    regions: Regions,
    clinvar: Held,
    of_clinvar: Mapping[str, str],
) -> Iterator[LeftOut]:
    """List a person's contigs that are not units, with the reasons."""
    sample, called = person.individual.sample, person.called
    for contig in genome.lengths:
        records = called.records.get(contig, 0)
        reason = ""
        if not records:
            listed = contig in clinvar.records and contig in regions
            reason = "the individual has no variant on it" if listed else ""
        elif contig not in regions:
            reason = "it is outside the regions"
        elif contig not in person.reads.records:
            reason = "no read is on it"
        elif contig in person.wrong:
            reason = _OTHER_LENGTH
        else:
            reason = of_clinvar.get(contig, "")
        if reason:
            yield LeftOut(sample, contig, reason, records)
    for name, records in called.foreign.items():
        yield LeftOut(sample, name, "the reference does not have it", records)
