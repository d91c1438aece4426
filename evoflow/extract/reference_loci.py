"""ClinVar's loci at which an individual carries nothing: where reference reads come from.

They are found contig by contig and drawn over all contigs of an individual, in an order that
depends on the seed alone.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd


def uncarried_positions(
    carried: pd.DataFrame, clinvar: Iterator[pd.DataFrame], longest: int
) -> tuple[npt.NDArray[np.int64], Counter[str]]:
    """Find the positions of ClinVar's alleles at which an individual carries nothing.

    Parameters
    ----------
    carried
        The first table of `read_called`.
    clinvar
        The chunks of `read_clinvar`.
    longest
        Bases of the longest REF that a read can hold.

    Returns
    -------
    positions
        1-based and sorted; `loci_at` tells what ClinVar says of them.
    dropped
        How many positions were dropped, by reason.
    """
    starts = carried["position"].to_numpy() - 1
    order = np.argsort(starts, kind="stable")
    ends = np.maximum.accumulate((starts + carried["ref"].str.len().to_numpy())[order])
    starts, ends = starts[order], np.concatenate([[0], ends])
    dropped: Counter[str] = Counter()
    kept = [np.zeros(0, dtype=np.int64)]
    for loci in map(_shortest, clinvar):
        positions, length = loci["position"].to_numpy(), loci["ref"].str.len().to_numpy()
        overlapped = ends[np.searchsorted(starts, positions - 1 + length)] > positions - 1
        too_long = ~overlapped & (length > longest)
        dropped["the individual carries an allele there"] += int(overlapped.sum())
        dropped["longer than a read"] += int(too_long.sum())
        kept.append(positions[~overlapped & ~too_long])
    return np.concatenate(kept), dropped


def loci_at(clinvar: Iterator[pd.DataFrame]) -> pd.DataFrame:
    """Tell what ClinVar says of positions, given the chunks that `read_clinvar` gives for them.

    Returns
    -------
    DataFrame
        ClinVar's columns, sorted by position; where several alleles share one, those of the
        shortest.
    """
    return pd.concat(map(_shortest, clinvar), ignore_index=True)


def _shortest(chunk: pd.DataFrame) -> pd.DataFrame:
    """Keep one allele with an RS id per position: the one with the shortest REF."""
    named = chunk[chunk["rs"] != "."]
    ordered = named.assign(length=named["ref"].str.len()).sort_values(
        ["position", "length", "ref", "alt"]
    )
    return ordered.drop_duplicates("position").drop(columns="length")


def ranks(
    positions: npt.NDArray[np.int64], seed: int, sample: str, contig: str
) -> npt.NDArray[np.uint64]:
    """Hash positions of an individual's contig (the finaliser of SplitMix64, vectorised)."""
    salt = f"{seed} {sample} {contig}"
    key = int.from_bytes(blake2b(salt.encode(), digest_size=8).digest(), "little")
    mixed = positions.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


@dataclass(frozen=True)
class ContigLoci:
    """The reference loci of an individual's contig.

    Attributes
    ----------
    sample, contig
        Whose, and where.
    positions
        File of the positions that `uncarried_positions` found.
    num_positions
        How many they are.
    """

    sample: str
    contig: str
    positions: Path
    num_positions: int


@dataclass
class Draw:
    """How many of an individual's loci were looked at, in the order of their ranks, and kept.

    Attributes
    ----------
    contigs
        All loci of the individual.
    wanted
        Loci to keep, or `all`.
    seed
        What the order depends on.
    looked, kept
        How many loci were given out, and how many of these have a read.
    """

    contigs: Sequence[ContigLoci]
    wanted: int | Literal["all"]
    seed: int
    looked: int = 0
    kept: int = 0

    def next_positions(self) -> list[npt.NDArray[np.int64]]:
        """Give out as many loci as should yield what is still missing, by the share that did.

        Returns
        -------
        list of array
            For each contig its positions, sorted; none where nothing is missing or left.
        """
        held = sum(each.num_positions for each in self.contigs)
        missing = (held if self.wanted == "all" else int(self.wanted)) - self.kept
        if missing <= 0 or self.looked == held:
            return [np.zeros(0, dtype=np.int64) for _ in self.contigs]
        share = max(self.kept / self.looked, 0.1) if self.looked else 1.0
        more = slice(self.looked, self.looked + math.ceil(missing / share))
        number, position = (column[more] for column in self._in_order())
        self.looked += len(position)
        return [np.sort(position[number == index]) for index in range(len(self.contigs))]

    def _in_order(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """List all loci by rank: the contig's number and the position."""
        of_contigs = [np.load(each.positions) for each in self.contigs]
        rank = [
            ranks(positions, self.seed, each.sample, each.contig)
            for each, positions in zip(self.contigs, of_contigs, strict=True)
        ]
        number = np.repeat(np.arange(len(of_contigs)), [len(each) for each in of_contigs])
        position = np.concatenate(of_contigs)
        order = np.lexsort((position, number, np.concatenate(rank)))
        return number[order], position[order]
