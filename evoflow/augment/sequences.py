"""The distinct sequences of all rows in use, and the shards in which they are embedded."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from evoflow.augment.strands import turned_offset
from evoflow.dna import reverse_complement
from evoflow.table import ALLELE

KEY = ["sequence", "variant_offset"]


def unique_sequences(
    examples: pd.DataFrame, training_rows: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """List what must be embedded, each distinct sequence and allele offset once.

    Parameters
    ----------
    examples
        The table of examples with `split`.
    training_rows
        Columns `example`, `reverse_complement`, `source`, `weight`, as `balance` gives them.

    Returns
    -------
    sequences : DataFrame
        Columns `sequence` and `variant_offset`, unique and sorted, so that equal sequences are
        neighbours.
    rows : DataFrame
        The training rows and the own read of each allele in validation and test: columns of
        `training_rows`, `split`, and `read` and `window`, the row numbers in `sequences` of the
        read and of its reference window.
    """
    rows = pd.concat([training_rows.assign(split="train"), _held_out(examples)], ignore_index=True)
    used = examples.iloc[rows["example"].to_numpy()]
    turned = rows["reverse_complement"].to_numpy(dtype=bool)
    offset = np.where(turned, turned_offset(used), used["variant_offset"])
    reads = pd.DataFrame({"sequence": _oriented(used["sequence"], turned)})
    windows = pd.DataFrame({"sequence": _oriented(used["reference_sequence"], turned)})
    both = pd.concat([reads, windows]).assign(variant_offset=np.tile(offset, 2))
    sequences = both.drop_duplicates().sort_values(KEY, ignore_index=True)
    number = pd.MultiIndex.from_frame(sequences).get_indexer(pd.MultiIndex.from_frame(both))
    read, window = number.reshape(2, len(rows))
    return sequences, rows.assign(read=read, window=window)


def shard_ranges(sequences: pd.DataFrame, sequences_per_shard: int) -> list[tuple[int, int]]:
    """Divide the sequences into half-open ranges of row numbers.

    A range holds `sequences_per_shard` rows at most, unless one sequence alone has more: equal
    sequences stay together, so that each goes through the model once.
    """
    runs = sequences.groupby("sequence", sort=False).size().cumsum().tolist()
    ranges: list[tuple[int, int]] = []
    for start, end in zip([0, *runs], runs, strict=False):
        if ranges and end - ranges[-1][0] <= sequences_per_shard:
            ranges[-1] = (ranges[-1][0], end)
        else:
            ranges.append((start, end))
    return ranges


def _held_out(examples: pd.DataFrame) -> pd.DataFrame:
    """Rows of the own read of every allele in validation and test."""
    own = examples["split"].isin(["validation", "test"]) & ~examples.duplicated(ALLELE)
    numbers = np.flatnonzero(own)
    return pd.DataFrame(
        {
            "example": numbers,
            "reverse_complement": False,
            "source": "own read",
            "weight": 1.0,
            "split": examples["split"].to_numpy()[numbers],
        }
    )


def _oriented(sequences: pd.Series, turned: npt.NDArray[np.bool_]) -> list[str]:
    return [
        reverse_complement(sequence) if turn else sequence
        for sequence, turn in zip(sequences, turned, strict=True)
    ]
