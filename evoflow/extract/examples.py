"""The table of examples: one row per (read, allele), the border between extract and the rest."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from evoflow.errors import InputError
from evoflow.extract import inventory, preflight, units
from evoflow.extract.pool import run_tasks
from evoflow.extract.variants import KEY, Source, write_clinvar
from evoflow.settings import DataSettings, Individual

COLUMNS = {
    "individual": "str",
    "contig": "str",
    "position": "int64",
    "ref": "str",
    "alt": "str",
    "rsid": "str",
    "clinvar_id": "str",
    "clinical_significance": "str",
    "gene": "str",
    "consequence": "str",
    "impact": "str",
    "impact_score": "int64",
    "genotype": "str",
    "carries_alt": "bool",
    "read_name": "str",
    "strand": "str",
    "mapping_quality": "int64",
    "sequence": "str",
    "reference_sequence": "str",
    "variant_offset": "int64",
}
"""Column names and pandas dtypes, in order.

`contig` is spelled as in the reference; `position` is 1-based and, with `ref` and `alt`, follows
VCF (left-aligned; indels keep the base before them). `sequence` has `read_length` upper-case
bases in the reference's forward orientation and `sequence[variant_offset:]` starts with `alt`
where `carries_alt`, else with `ref`. `reference_sequence` is the reference from the base to which
the first base of `sequence` is aligned. `strand` is that of the read (`+` or `-`).
"""

ALLELE = ["individual", "contig", "position", "ref", "alt"]
"""Columns that identify an allele of an individual; its first row is its own read."""


@dataclass(frozen=True)
class Extraction:
    """What `extract` leaves.

    Attributes
    ----------
    examples
        The table of examples (`COLUMNS`), sorted by individual, contig, position, ref and alt; an
        allele's own read comes first, then its further carrier reads.
    counts
        Columns `individual`, `contig`, `subject`, `reason`, `count`: why each variant and each
        read was kept or dropped. For each subject the counts add up to all that were looked at.
    """

    examples: pd.DataFrame
    counts: pd.DataFrame


def write_jsonl(examples: pd.DataFrame, path: Path) -> None:
    """Write the table as JSON lines, one example a line, columns in order."""
    examples.to_json(path, orient="records", lines=True)


def extract_examples(
    data: DataSettings,
    *,
    processes: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Extraction:
    """Make the examples of every individual.

    Parameters
    ----------
    data
        The inputs, as `preflight.check` accepts them.
    processes
        Processes to work in; 0: one a core. The result does not depend on it.
    progress
        Called with the number of (individual, contig) units done and in all.

    Raises
    ------
    InputError
        When ClinVar knows none of the variants, or no read fits.
    """
    with TemporaryDirectory(prefix="evoflow-clinvar-") as folder:
        todo = _units(data, Path(folder))
        results = run_tasks(
            partial(units.extract_unit, data=data),
            todo,
            processes=processes,
            name=lambda unit: f"{unit.individual.sample}, contig {unit.contig}",
            done=lambda done: progress(done, len(todo)) if progress else None,
        )
    return _gather(data, todo, results)


def _units(data: DataSettings, folder: Path) -> list[units.Unit]:
    """Every (individual, contig) that all files have, ClinVar's tables written."""
    reference = inventory.held_by_reference(str(data.reference))
    clinvar = inventory.held_by_variants(str(data.clinvar))
    regions = inventory.regions_of(data, reference)
    tables: dict[str, tuple[Source, Path]] = {}
    todo = []
    for person in data.individuals:
        reads = inventory.held_by_reads(person.reads)
        called = inventory.held_by_variants(person.variants)
        for name, intervals in regions.items():
            if not all(name in held.records for held in (clinvar, reads, called)):
                continue
            contig = reference.names[name]
            if name not in tables:
                own = folder / str(len(tables))
                own.mkdir()
                source = Source(str(data.clinvar), clinvar.names[name], contig, intervals)
                tables[name] = source, write_clinvar(source, str(data.reference), own)[0]
            source, table = tables[name]
            todo.append(
                units.Unit(
                    individual=person,
                    contig=contig,
                    contig_length=reference.lengths[name],
                    reads_spelling=reads.names[name],
                    called=Source(person.variants, called.names[name], contig, intervals),
                    clinvar=source,
                    clinvar_table=table,
                )
            )
    return todo


def _gather(
    data: DataSettings, todo: list[units.Unit], results: list[units.UnitResult]
) -> Extraction:
    """Put the units together, each individual's reference loci drawn over all its contigs."""
    tables = []
    rows: Counter[tuple[str, str, str, str]] = Counter()
    for unit, result in zip(todo, results, strict=True):
        who = unit.individual.sample, unit.contig
        for (subject, reason), count in result.counts.items():
            rows[*who, subject, reason] += count
    for person in data.individuals:
        own = [
            result for unit, result in zip(todo, results, strict=True) if unit.individual == person
        ]
        _refuse_nothing(data, person, own)
        references = pd.concat([result.references for result in own])
        references = references.sort_values(["rank", "contig", "position"])
        if data.reference_loci != "all":
            references = references.head(data.reference_loci)
        tables += [result.examples for result in own] + [references]
        drawn = references.groupby("contig").size()
        for result, unit in zip(results, todo, strict=True):
            if unit.individual == person:
                kept = int(drawn.get(unit.contig, 0))
                rows[person.sample, unit.contig, units.LOCUS, "kept"] = kept
                rows[person.sample, unit.contig, units.LOCUS, "not drawn"] += (
                    len(result.references) - kept
                )
    order = {unit.contig: number for number, unit in enumerate(todo)}
    examples = pd.concat(tables, ignore_index=True)
    examples["_contig"] = examples["contig"].map(order)
    examples = examples.sort_values(["individual", "_contig", *KEY], kind="stable")
    counts = [(*key, count) for key, count in rows.items() if count]
    return Extraction(
        examples[list(COLUMNS)].reset_index(drop=True).astype(COLUMNS),
        pd.DataFrame(counts, columns=["individual", "contig", "subject", "reason", "count"]),
    )


def _refuse_nothing(
    data: DataSettings, person: Individual, results: list[units.UnitResult]
) -> None:
    """Stop where an individual gives no carrier read at all."""
    if any(len(result.examples) for result in results):
        return
    counts: Counter[tuple[str, str]] = sum((result.counts for result in results), Counter())
    looked = sum(count for (subject, _), count in counts.items() if subject == units.VARIANT_READ)
    if looked and looked == counts[units.VARIANT_READ, "shorter than read_length"]:
        longest = max(result.longest_read for result in results)
        raise InputError(preflight.all_reads_shorter(person, data, longest))
    if not looked:
        held = inventory.held_by_variants
        raise InputError(
            preflight.nothing_in_common(
                data, person, held(person.variants), held(str(data.clinvar))
            )
        )
