"""From reads, variants, ClinVar and a reference to the table of examples."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from evoflow.extract import found_alleles
from evoflow.extract.contexts import Contexts
from evoflow.extract.counts import (
    count,
    draw_references,
    put_together,
    refuse_nothing,
)
from evoflow.extract.planning import plan_units
from evoflow.extract.pool import Pool, Tally
from evoflow.extract.uncarried_alleles import Labelled, extract_haplotypes, listed_contigs
from evoflow.extract.unit_reads import take_reads
from evoflow.remote import local_files
from evoflow.settings import DataSettings
from evoflow.table import ALLELE, COLUMNS


@dataclass(frozen=True)
class Extraction:
    """What `extract` leaves.

    Attributes
    ----------
    examples
        The table of examples (`COLUMNS`), sorted by individual, contig, position, ref and alt; an
        allele's own read comes first, then its further carrier reads.
    counts
        Columns `individual`, `contig`, `subject`, `reason`, `count`: why things were kept or
        dropped. For each subject the counts add up to all that were looked at: `record` (all
        records of the individual's file), `variant` (ALT alleles of those in the regions; a record
        whose REF is wrong counts once), `genotype` (of these alleles, by kind), `reference locus`
        (positions of ClinVar's alleles with an RS id), `read over a variant` and `read over a
        reference locus` (pairs of a read and a place it covers; at a reference locus a quarter of
        the reads is looked at, and all of them only where none of these shows the reference),
        `carrier read` (the kept ones, by whether they carry further alleles of the individual),
        `contig` (with any record), `source of the consequence` (of joined alleles, where
        `consequence_field` is set); `unknown consequence term` counts the alleles that have one.
    contexts
        The reference around the reads, where `data.context` is set.
    """

    examples: pd.DataFrame
    counts: pd.DataFrame
    contexts: Contexts | None = None


def extract_examples(
    data: DataSettings,
    *,
    labelled: Labelled | None = None,
    processes: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Extraction:
    """Make the examples of every individual, and those of `haplotypes`.

    Parameters
    ----------
    data
        The inputs, as `preflight.check` accepts them.
    labelled
        Which of ClinVar's alleles `haplotypes` may be drawn from; default: all.
    processes
        Processes to work in; 0: one per core. The result does not depend on it.
    progress
        Called with the number of parts of the work done, and of those known up to now: units,
        then parts of their loci, then contigs for `haplotypes`.

    Raises
    ------
    InputError
        When ClinVar knows none of the variants, when no read fits, or when more variants than a
        few have another REF than the reference.
    """
    local = local_files.localise(data)
    tally = Tally(progress)
    with (
        local_files.urls_named(data, local),
        TemporaryDirectory(prefix="evoflow-clinvar-") as folder,
        Pool.for_inputs(processes, local) as pool,
    ):
        plan = plan_units(local, pool, Path(folder))
        listed = list(listed_contigs(local))
        finding, making = tally.expect(len(plan.units)), tally.expect(len(listed))
        looked = pool.run(
            partial(found_alleles.find, data=local, folder=Path(folder)),
            plan.units,
            name=lambda unit: f"{unit.individual.sample}, contig {unit.contig}",
            done=finding,
        )
        found = dict(zip(plan.units, looked, strict=True))
        plan = plan.agreeing(local, [each.written for each in looked])
        found = {unit: found[unit] for unit in plan.units}
        reads = take_reads(pool, found, local, tally.expect)
        results = [put_together(found[unit], reads[unit]) for unit in plan.units]
        refuse_nothing(local, plan.units, results)
        made, considered = extract_haplotypes(local, listed, pool, labelled, done=making)
    drawn = draw_references(plan.units, results, data.reference_loci)
    tables = [result.examples for result in results] + [*drawn, made]
    counts = pd.concat([count(plan, results, drawn), considered], ignore_index=True)
    examples = pd.concat([*tables, pd.DataFrame(columns=list(COLUMNS))], ignore_index=True)
    # Stable: an allele's own read stays first.
    examples = examples.sort_values(ALLELE, kind="stable", ignore_index=True)
    examples = examples[list(COLUMNS)].astype(COLUMNS)
    contexts = None
    if data.context is not None:
        contexts = Contexts.read(examples, str(local.reference), data.context)
    return Extraction(examples, counts.astype({"count": "int64"}), contexts)
