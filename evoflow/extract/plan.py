"""What there is to do: the (individual, contig) units, and the contigs left out with the reason."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

from evoflow.extract.normalise import Source, Written, write_clinvar
from evoflow.extract.pool import Pool
from evoflow.extract.units import Unit
from evoflow.inputs import agreement, inventory
from evoflow.inputs.inventory import Held
from evoflow.settings import DataSettings


@dataclass(frozen=True)
class Plan:
    """What there is to do.

    Attributes
    ----------
    units
        The units, individual by individual, contigs in the reference's order.
    left_out
        (individual, contig, reason) of each contig on which ClinVar or the individual has a
        record, but that is no unit.
    """

    units: tuple[Unit, ...]
    left_out: tuple[tuple[str, str, str], ...]


def make_plan(data: DataSettings, pool: Pool, folder: Path) -> Plan:
    """Find the units of every individual and write ClinVar's tables for them.

    Parameters
    ----------
    data
        The inputs, all local.
    pool
        Where the tables are written.
    folder
        Where they stay as long as the units need them.

    Raises
    ------
    InputError
        When more of ClinVar's records than a few have another REF than the reference.
    """
    reference = inventory.held_by_reference(str(data.reference))
    clinvar = inventory.held_by_variants(str(data.clinvar))
    regions = inventory.regions_of(data, reference)
    people = [
        (person, inventory.held_by_reads(person.reads), inventory.held_by_variants(person.variants))
        for person in data.individuals
    ]
    shared = [
        inventory.usable_contigs(reference, regions, clinvar, reads, called)
        for _, reads, called in people
    ]
    sources = {
        name: Source(str(data.clinvar), clinvar.names[name], reference.names[name], regions[name])
        for name in reference.names
        if any(name in names for names in shared)
    }
    written = pool.run(
        partial(_write_table, reference=str(data.reference), folder=folder),
        list(sources.values()),
        name=lambda source: f"{source.path}, contig {source.contig}",
    )
    tables = dict(zip(sources, written, strict=True))
    agreement.refuse_another_reference(str(data.reference), str(data.clinvar), written)
    todo = [
        Unit(
            individual=person,
            contig=reference.names[name],
            contig_length=reference.lengths[name],
            reads_spelling=reads.names[name],
            called=Source(
                person.variants, called.names[name], reference.names[name], regions[name]
            ),
            clinvar=sources[name],
            clinvar_table=tables[name].table,
        )
        for (person, reads, called), names in zip(people, shared, strict=True)
        for name in names
    ]
    left_out = [
        (person.sample, reference.names[name], reason)
        for person, reads, called in people
        for name in regions
        if (reason := _why_left_out(name, clinvar, reads, called))
    ]
    return Plan(tuple(todo), tuple(left_out))


def _write_table(source: Source, reference: str, folder: Path) -> Written:
    return write_clinvar(source, reference, Path(mkdtemp(dir=folder)))


def _why_left_out(name: str, clinvar: Held, reads: Held, called: Held) -> str | None:
    """Why a contig with some records is no unit; None where it is one, or has no record."""
    if name not in clinvar.records:
        return "ClinVar has no record on it" if name in called.records else None
    if name not in called.records:
        return "the individual has no variant on it"
    return None if name in reads.records else "no read is on it"
