"""What users are told where nothing is left to extract."""

from collections.abc import Iterable, Mapping

from evoflow.inputs.inventory import Held
from evoflow.settings import SHORTEST, DataSettings, Individual


def nothing_in_common(
    data: DataSettings,
    person: Individual,
    variants: Held,
    clinvar: Held,
    counts: Mapping[tuple[str, str], int] | None = None,
) -> str:
    """Say that ClinVar lists none of an individual's alleles, and what to look at.

    `counts` are those of the join, by subject and reason, where there was one.
    """
    alleles = {
        reason: number
        for (subject, reason), number in (counts or {}).items()
        if subject == "variant" and number
    }
    why = ", ".join(f"{number} alleles: {reason}" for reason, number in alleles.items())
    return (
        f"{person.variants}: ClinVar knows none of these variants of {person.sample!r}"
        f"{within(data)}: they are on {listed(variants)}, the records of {data.clinvar} on "
        f"{listed(clinvar)}"
        + (f" ({why})" if why else "")
        + "; give a ClinVar file of the same genome build that covers them"
    )


def within(data: DataSettings) -> str:
    """Name the regions that limit what is read, where there are any."""
    return f" within regions {shortened(data.regions)}" if data.regions else ""


def listed(held: Held) -> str:
    """Name the contigs with records, the first few of many."""
    return shortened(held.names_with_records()) or "no contig"


def shortened(names: Iterable[str], most: int = 6) -> str:
    """Name the first few of many."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


def all_reads_shorter(
    person: Individual, data: DataSettings, longest: int, looked: int | None = None
) -> str:
    """Say that no read is long enough, and what to set.

    `looked` is how many reads were looked at; None: all over the variants.
    """
    which = (
        "every read over a variant" if looked is None else f"each of the {looked:,} reads looked at"
    )
    return (
        f"{person.reads}: {which} is shorter than read_length {data.read_length}; the longest has "
        f"{longest} bases: "
        + (
            f"set read_length: {longest} or less"
            if longest >= SHORTEST
            else f"evoflow takes no reads of fewer than {SHORTEST} bases"
        )
    )
