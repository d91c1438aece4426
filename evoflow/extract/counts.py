"""Put the units' results together: draw reference loci, add up counts, refuse an empty result."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from evoflow.errors import InputError
from evoflow.extract.example_rows import Taken
from evoflow.extract.found_alleles import LOCUS, RECORD, VARIANT, Found, add
from evoflow.extract.unit_reads import UnitReads
from evoflow.extract.units import Plan, Unit
from evoflow.extract.vcf.normalise import KEY
from evoflow.inputs import inventory, refusals
from evoflow.settings import DataSettings, Individual

CONTIG = "contig"
VARIANT_READ = "read over a variant"
LOCUS_READ = "read over a reference locus"
CARRIER_READ = "carrier read"
COUNTS = ["individual", "contig", "subject", "reason"]


@dataclass(frozen=True)
class UnitResult:
    """Examples of a unit.

    Attributes
    ----------
    examples
        Rows of carrier reads.
    references
        Rows of reference reads, with their `rank`.
    counts
        Count by (subject, reason).
    longest_read
        Length of the longest read that was too short.
    """

    examples: pd.DataFrame
    references: pd.DataFrame
    counts: Counter[tuple[str, str]]
    longest_read: int


def put_together(found: Found, reads: UnitReads) -> UnitResult:
    """Put the parts of a unit together, and count."""
    counts = Counter(found.counts)
    examples, rows = _joined(reads.carriers), _joined(reads.references)
    for parts, subject in (
        (reads.carriers, VARIANT_READ),
        (reads.references, LOCUS_READ),
    ):
        for part in parts:
            add(counts, subject, part.counts)
    kept = len(examples.drop_duplicates(KEY))
    counts[VARIANT, "kept"] = kept
    counts[VARIANT, "no read carries it"] = len(found.alleles) - kept
    others = int((examples["other_alleles"] > 0).sum())
    counts[CARRIER_READ, "carries other alleles of the individual too"] = others
    counts[CARRIER_READ, "carries no other allele"] = len(examples) - others
    looked = sum(part.loci for part in reads.references)
    unclean = sum(part.without_clean_read for part in reads.references)
    counts[LOCUS, "every read that shows the reference may carry another allele"] = unclean
    ambiguous = sum(part.ambiguous for part in reads.references)
    counts[LOCUS, "a read that carries an allele has the same bases"] = ambiguous
    counts[LOCUS, "no read shows the reference"] = looked - len(rows) - unclean - ambiguous
    counts[LOCUS, "not drawn"] = found.num_positions - looked
    longest = max((part.longest_read for part in (*reads.carriers, *reads.references)), default=0)
    return UnitResult(examples, rows, +counts, longest)


def _joined(parts: Sequence[Taken]) -> pd.DataFrame:
    if not parts:
        return pd.DataFrame(columns=[*KEY, "contig", "rank", "other_alleles"])
    return pd.concat([part.examples for part in parts], ignore_index=True)


def draw_references(
    todo: Sequence[Unit], results: Sequence[UnitResult], wanted: int | str
) -> list[pd.DataFrame]:
    """Draw each individual's reference loci over all its contigs.

    Parameters
    ----------
    todo, results
        The units and what they gave.
    wanted
        Loci of an individual, or `all`.

    Returns
    -------
    list of DataFrame
        For each unit its rows that were drawn.
    """
    tables = [
        result.references.assign(unit=number, individual=unit.individual.sample)
        for number, (unit, result) in enumerate(zip(todo, results, strict=True))
    ]
    if not tables:
        return []
    drawn = pd.concat(tables, ignore_index=True)
    drawn = drawn.sort_values(["individual", "rank", "contig", "position"])
    if wanted != "all":
        drawn = drawn.groupby("individual", sort=False).head(int(wanted))
    return [drawn[drawn["unit"] == number] for number in range(len(todo))]


def count(plan: Plan, results: Sequence[UnitResult], drawn: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Count by individual, contig, subject and reason."""
    counts: Counter[tuple[str, ...]] = Counter()
    for each in plan.left_out:
        counts[each.individual, each.contig, CONTIG, each.reason] = 1
        counts[each.individual, each.contig, RECORD, f"contig: {each.reason}"] = each.records
    for unit, result, references in zip(plan.units, results, drawn, strict=True):
        who = (unit.individual.sample, unit.contig)
        for (subject, reason), number in result.counts.items():
            counts[*who, subject, reason] += number
        counts[*who, LOCUS, "kept"] += len(references)
        counts[*who, LOCUS, "not drawn"] += len(result.references) - len(references)
        found = "gives examples" if len(result.examples) + len(references) else "gives no example"
        counts[*who, CONTIG, found] = 1
    rows = [(*key, number) for key, number in counts.items() if number]
    return pd.DataFrame(rows, columns=[*COUNTS, "count"])


def refuse_nothing(data: DataSettings, todo: Sequence[Unit], results: Sequence[UnitResult]) -> None:
    """Stop where no individual has a read that carries an allele, and say why for each.

    Raises
    ------
    InputError
        With a problem per individual.
    """
    if not data.individuals or any(len(result.examples) for result in results):
        return
    problems = []
    for person in data.individuals:
        own = [
            result for unit, result in zip(todo, results, strict=True) if unit.individual == person
        ]
        problems.append(_why_nothing(data, person, own))
    raise InputError(problems)


def _why_nothing(data: DataSettings, person: Individual, results: Sequence[UnitResult]) -> str:
    counts: Counter[tuple[str, str]] = Counter()
    for result in results:
        counts.update(result.counts)
    over = {
        reason: number for (subject, reason), number in counts.items() if subject == VARIANT_READ
    }
    if set(over) == {"shorter than read_length"}:
        longest = max(result.longest_read for result in results)
        return refusals.all_reads_shorter(person, data, longest)
    if counts[VARIANT, "no read carries it"]:
        reasons = ", ".join(f"{number} {reason}" for reason, number in over.items()) or "no read"
        return (
            f"{person.reads}: no read shows any of the {counts[VARIANT, 'no read carries it']} "
            f"alleles of {person.sample!r} that ClinVar knows ({reasons}); make sure that reads "
            "and variants are of one person, and see read_length and min_mapping_quality"
        )
    genome = inventory.read_genome(str(data.reference))
    called = inventory.held_by_variants(person.variants, genome)
    clinvar = inventory.held_by_variants(str(data.clinvar), genome)
    return refusals.nothing_in_common(data, person, called, clinvar, counts)
