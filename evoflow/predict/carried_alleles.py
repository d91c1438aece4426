"""Every allele that individuals carry, in ClinVar or not, with the reads that carry it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from evoflow.errors import InputError
from evoflow.extract import units, variants
from evoflow.extract.example_rows import carrier_parts, take
from evoflow.extract.normalise import CLINVAR_FIELDS, KEY, Written
from evoflow.extract.pool import Pool, Tally
from evoflow.inputs.agreement import refuse_another_reference
from evoflow.inputs.preflight import check_individuals
from evoflow.remote import local_files
from evoflow.settings import DataSettings
from evoflow.table import ALLELE

ANNOTATION = ["genotype", "rsid", "clinvar_id", "clinical_significance", "gene", "consequence"]


def extract_carried(
    data: DataSettings,
    *,
    processes: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Take the reads that carry each allele that the individuals have.

    Parameters
    ----------
    data
        The inputs; ClinVar only annotates.
    processes
        Processes to work in; 0: one per core. The result does not depend on it.
    progress
        Called with the number of parts of the work done, and of those known up to now.

    Returns
    -------
    alleles : DataFrame
        Columns `ALLELE` and `ANNOTATION`; one row for each allele within the regions.
    reads : DataFrame
        Columns `ALLELE`, `sequence`, `reference_sequence` and `variant_offset`, as in the table of
        examples; one row for each kept carrier read.

    Raises
    ------
    InputError
        With all problems of the files, or when the individuals carry no allele in the regions.
    """
    data = local_files.localise(data)
    check_individuals(data)
    tally = Tally(progress)
    with TemporaryDirectory(prefix="evoflow-clinvar-") as folder, Pool(processes) as pool:
        todo = units.plan_units(data, pool, Path(folder), unlisted=True).units
        found = pool.run(
            partial(_find, data=data),
            todo,
            name=lambda unit: f"{unit.individual.sample}, contig {unit.contig}",
            done=tally.expect(len(todo)),
        )
        written: dict[str, list[Written]] = {}
        for unit, (_, each) in zip(todo, found, strict=True):
            written.setdefault(unit.individual.variants, []).append(each)
        refuse_another_reference(str(data.reference), written)
        if not sum(len(alleles) for alleles, _ in found):
            people = ", ".join(person.variants for person in data.individuals)
            raise InputError(f"{people}: no genotype contains an alternate allele in the regions")
        parts = [
            part
            for unit, (alleles, _) in zip(todo, found, strict=True)
            for part in carrier_parts(unit, alleles)
        ]
        taken = take(pool, parts, data, tally.expect(len(parts)))
    columns = [*ALLELE, "sequence", "reference_sequence", "variant_offset"]
    reads = pd.concat([part.examples[columns] for part in taken], ignore_index=True)
    named = [
        variants.described(alleles).assign(individual=unit.individual.sample, contig=unit.contig)
        for unit, (alleles, _) in zip(todo, found, strict=True)
    ]
    alleles = pd.concat(named, ignore_index=True).sort_values(ALLELE, ignore_index=True)
    return alleles[[*ALLELE, *ANNOTATION]], reads


def _find(unit: units.Unit, data: DataSettings) -> tuple[pd.DataFrame, Written]:
    """Find the alleles of an individual's contig, and what their table left out."""
    called = units.read_unit(unit, data)
    inside = called.carried[variants.inside_regions(called.carried, unit.called)]
    return _annotate(inside, unit), called.written


def _annotate(carried: pd.DataFrame, unit: units.Unit) -> pd.DataFrame:
    """Add what ClinVar says of an allele to which it gives an RS id and a consequence."""
    clinvar = variants.read_clinvar(unit.clinvar_table, unit.clinvar)
    known, _, _ = variants.join(carried, clinvar, unit.called)
    found = carried.merge(known.drop(columns="genotype"), on=KEY, how="left")
    named = {"clinvar_id": "", "consequence": ""} | dict.fromkeys(CLINVAR_FIELDS, ".")
    return found.fillna(named)
