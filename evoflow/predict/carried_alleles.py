"""Every allele that individuals carry, in ClinVar or not, with the reads that carry it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from evoflow.errors import InputError
from evoflow.extract import found_alleles, units
from evoflow.extract.example_rows import carrier_parts, take
from evoflow.extract.planning import plan_units
from evoflow.extract.pool import Pool, Tally
from evoflow.extract.vcf import variants
from evoflow.extract.vcf.normalise import CLINVAR_FIELDS, KEY
from evoflow.inputs.preflight import check_individuals
from evoflow.remote import local_files
from evoflow.settings import DataSettings
from evoflow.table import ALLELE

ANNOTATION = [
    "genotype", "variant_id", "filter", "rsid", "clinvar_id", "clinical_significance", "gene",
    "consequence",
]  # fmt: skip
"""What is known of an allele: `variant_id` and `filter` are ID and FILTER of the individual's VCF,
the rest but `genotype` is ClinVar's."""


@dataclass(frozen=True)
class Carried:
    """What individuals carry.

    Attributes
    ----------
    alleles
        Columns `ALLELE` and `ANNOTATION`; one row for each allele within the regions.
    reads
        Columns `ALLELE`, `sequence`, `reference_sequence`, `variant_offset`, `reference_start` and
        `reference_end`, as in the table of examples; one row for each kept carrier read.
    left_out
        How many records or alleles were left out, by reason.
    warnings
        What is odd about the files.
    """

    alleles: pd.DataFrame
    reads: pd.DataFrame
    left_out: Counter[str]
    warnings: tuple[str, ...]


def extract_carried(
    data: DataSettings,
    *,
    processes: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Carried:
    """Take the reads that carry each allele that the individuals have.

    Parameters
    ----------
    data
        The inputs; ClinVar only annotates.
    processes
        Processes to work in; 0: one per core. The result does not depend on it.
    progress
        Called with the number of parts of the work done, and of those known up to now.

    Raises
    ------
    InputError
        With all problems of the files, or when the individuals carry no allele in the regions.
    """
    local = local_files.localise(data)
    with local_files.urls_named(data, local):
        carried = _extract_carried(local, processes, Tally(progress))
    warnings = tuple(local_files.with_urls(each, data, local) for each in carried.warnings)
    return replace(carried, warnings=warnings)


def _extract_carried(data: DataSettings, processes: int, tally: Tally) -> Carried:
    warnings = check_individuals(data)
    with (
        TemporaryDirectory(prefix="evoflow-clinvar-") as folder,
        Pool.for_inputs(processes, data) as pool,
    ):
        plan = plan_units(data, pool, Path(folder), unlisted=True)
        looked = pool.run(
            partial(_find, data=data, folder=Path(folder)),
            plan.units,
            name=lambda unit: f"{unit.individual.sample}, contig {unit.contig}",
            done=tally.expect(len(plan.units)),
        )
        found = dict(zip(plan.units, looked, strict=True))
        plan = plan.agreeing(data, [called.written for _, called, _ in looked])
        if not sum(len(found[unit][0]) for unit in plan.units):
            people = ", ".join(person.variants for person in data.individuals)
            raise InputError(f"{people}: no genotype contains an alternate allele in the regions")
        parts = [
            part
            for unit in plan.units
            for part in carrier_parts(unit, found[unit][0], found[unit][2])
        ]
        taken = take(pool, parts, data, tally.expect(len(parts)))
    columns = [*ALLELE, "sequence", "reference_sequence", "variant_offset"]
    columns += ["reference_start", "reference_end"]
    named = [
        variants.described(found[unit][0]).assign(
            individual=unit.individual.sample, contig=unit.contig
        )
        for unit in plan.units
    ]
    alleles = pd.concat(named, ignore_index=True).sort_values(ALLELE, ignore_index=True)
    left_out: Counter[str] = Counter()
    for each in plan.left_out:
        left_out[f"contig left out ({each.reason})"] += each.records
    for unit in plan.units:
        for (subject, reason), number in found[unit][1].counts.items():
            if subject == found_alleles.VARIANT or reason == units.OUTSIDE:
                left_out[reason] += number
    return Carried(
        alleles[[*ALLELE, *ANNOTATION]],
        pd.concat([part.examples[columns] for part in taken], ignore_index=True),
        +left_out,
        tuple(warnings),
    )


def _find(
    unit: units.Unit, data: DataSettings, folder: Path
) -> tuple[pd.DataFrame, found_alleles.Called, Path]:
    """Find the alleles of an individual's contig; write all that were called to the folder."""
    called = found_alleles.read_unit(unit, data)
    inside = called.carried[variants.inside_regions(called.carried, unit.called)]
    return _annotate(inside, unit), called, called.save(folder)


def _annotate(carried: pd.DataFrame, unit: units.Unit) -> pd.DataFrame:
    """Add what ClinVar says of an allele to which it gives an RS id and a consequence."""
    positions = carried["position"].to_numpy()
    clinvar = variants.read_clinvar(unit.clinvar_table, unit.clinvar, positions)
    known, _, _ = variants.join(carried, clinvar, unit.called)
    told = known.drop(columns=["genotype", "own_mc", "record"])
    record = carried["record"].str.split(",", n=2)  # whether it passed, FILTER, ID
    carried = carried.drop(columns="record").assign(filter=record.str[1], variant_id=record.str[2])
    found = carried.merge(told, on=KEY, how="left")
    named = {"clinvar_id": "", "consequence": ""} | dict.fromkeys(CLINVAR_FIELDS, ".")
    return found.fillna(named)
