"""The reference around reads: what a model of long context sees besides the read itself."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import pandas as pd

from evoflow.files.htslib import Fasta, quiet

_LOCUS = ["contig", "position"]
_NOT_BASES = re.compile("[^ACGTN]")


@dataclass(frozen=True)
class Contexts:
    """The reference around loci, long enough for every read over them.

    Attributes
    ----------
    length
        Bases of a read with its surroundings: half of them, rounded down, lie left of the allele.
        At a contig's ends there are fewer. A contig that is a circle in nature has ends too.
    loci
        Columns `contig`, `position`, `start` (0-based, on the contig) and `bases`, each locus
        once; letters other than A, C, G and T are N.
    """

    length: int
    loci: pd.DataFrame

    @classmethod
    def read(cls, reads: pd.DataFrame, reference: str, length: int) -> Self:
        """Read what all reads need.

        Parameters
        ----------
        reads
            Columns `contig`, `position`, `sequence`, `reference_start` and `reference_end`, as in
            the table of examples.
        reference
            FASTA with its index.
        length
            Bases of a read with its surroundings.
        """
        start = _begin(reads, length)
        # A read that skips reference bases needs as many more behind it.
        skipped = reads["reference_end"] - reads["reference_start"] - reads["sequence"].str.len()
        needed = reads[_LOCUS].assign(start=start, end=start + length + skipped.clip(lower=0))
        loci = needed.groupby(_LOCUS, sort=True).agg(start=("start", "min"), end=("end", "max"))
        loci = loci.reset_index().assign(start=lambda table: table["start"].clip(lower=0))
        with quiet(), Fasta(reference) as genome:
            bases = [
                _NOT_BASES.sub("N", genome.fetch(contig, start, end).upper())
                for contig, _, start, end in loci.itertuples(index=False, name=None)
            ]
        return cls(length, loci.drop(columns="end").assign(bases=bases))

    def surround(self, reads: pd.DataFrame) -> pd.DataFrame:
        """Put reads and their reference windows into the reference around them.

        Both begin at the same reference base and are equally long. The reference of all reads over
        an allele is the same sequence, unless a read has a gap left of the allele that is longer
        than its surroundings there.

        Parameters
        ----------
        reads
            As in `read`.

        Returns
        -------
        DataFrame
            Columns `sequence`, `reference_sequence` and `before` (how many bases stand before the
            read in both), one row for each read.
        """
        rows = list(self._surrounded(reads))
        return pd.DataFrame(rows, columns=["sequence", "reference_sequence", "before"])

    def _surrounded(self, reads: pd.DataFrame) -> Iterator[tuple[str, str, int]]:
        held: dict[Any, tuple[int, str]] = {
            (contig, position): (start, bases)
            for contig, position, start, bases in self.loci.itertuples(index=False, name=None)
        }
        columns = [*_LOCUS, "reference_start", "reference_end", "sequence"]
        rows = reads[columns].itertuples(index=False, name=None)
        for begin, (contig, position, first, after, sequence) in zip(
            _begin(reads, self.length), rows, strict=True
        ):
            start, bases = held[contig, position]
            left = max(0, begin)
            window = bases[left - start : begin + self.length - start]
            read = bases[left - start : first - start] + sequence + bases[after - start :]
            length = min(len(window), len(read))
            yield read[:length], window[:length], first - left


def _begin(reads: pd.DataFrame, length: int) -> pd.Series:
    """Find the first base of each read's surroundings; negative before the contig's start."""
    begin: pd.Series = (reads["position"] - 1 - length // 2).clip(upper=reads["reference_start"])
    return begin
