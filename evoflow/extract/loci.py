"""ClinVar's loci at which an individual carries nothing: where reference reads come from."""

from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pandas as pd


def reference_loci(
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


def loci_at(positions: npt.NDArray[np.int64], clinvar: Iterator[pd.DataFrame]) -> pd.DataFrame:
    """Tell what ClinVar says of some of `reference_loci`, sorted by position.

    Returns
    -------
    DataFrame
        ClinVar's columns; where several alleles share a position, those of the shortest.
    """
    parts = [loci[loci["position"].isin(positions)] for loci in map(_shortest, clinvar)]
    return pd.concat(parts, ignore_index=True)


def _shortest(chunk: pd.DataFrame) -> pd.DataFrame:
    """Keep of each position the allele with an RS id that asks least of a read."""
    named = chunk[chunk["rs"] != "."]
    ordered = named.assign(length=named["ref"].str.len(), lacks_mc=named["mc"] == ".").sort_values(
        ["position", "length", "ref", "alt", "lacks_mc", "clinvar_id"]
    )
    return ordered.drop_duplicates("position").drop(columns=["length", "lacks_mc"])


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
