"""An allele written into the reference: what a read would be, where there is none."""

import pandas as pd
import pysam

from evoflow.extract.evidence.alignment import footprint


def write_allele(
    genome: pysam.FastaFile, contig: str, position: int, ref: str, alt: str, *, length: int
) -> tuple[str, str, int] | None:
    """Write an allele into its surroundings, as centrally as the contig allows.

    Parameters
    ----------
    genome
        The reference.
    contig, position, ref, alt
        The allele, left-aligned and trimmed; `position` is 1-based.
    length
        Bases of the sequences.

    Returns
    -------
    sequence, reference_sequence, variant_offset
        As in the table of examples: both start at the same base of the reference, and
        `sequence[variant_offset:]` starts with `alt`. None where the contig or `length` is too
        short to show the allele.
    """
    where = footprint(genome, contig, position, ref, alt, limit=length)
    end = genome.get_reference_length(contig)
    longer = len(where.alternate) - (where.stop - where.start)
    begin = where.start - max(0, length - len(where.alternate)) // 2
    # Neither the sequence nor its window may reach behind the contig's end.
    begin = max(0, min(begin, end - length + min(0, longer)))
    before = genome.fetch(contig, begin, where.start).upper()
    after = genome.fetch(contig, where.stop, min(end, where.stop + length)).upper()
    sequence = (before + where.alternate + after)[:length]
    window = genome.fetch(contig, begin, begin + length).upper()
    fits = len(before) + len(where.alternate) <= length == len(sequence) == len(window)
    # A deletion from a repeat shows only behind the repeat.
    return (sequence, window, len(before)) if fits and sequence != window else None


def placed(alleles: pd.DataFrame) -> pd.DataFrame:
    """Tell where written alleles lie: add `reference_start` and `reference_end`.

    Parameters
    ----------
    alleles
        Columns `position`, `ref`, `alt`, `sequence` and `variant_offset`, as `write_allele` makes
        them.
    """
    start = alleles["position"] - 1 - alleles["variant_offset"]
    gained = alleles["alt"].str.len() - alleles["ref"].str.len()
    end = start + alleles["sequence"].str.len() - gained
    return alleles.assign(reference_start=start, reference_end=end)
