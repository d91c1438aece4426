"""The distinct sequences of all rows in use, and the shards in which they are embedded."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from evoflow.augment.strands import mirrored_offset, turnable
from evoflow.augment.visibility import first_difference
from evoflow.dna import reverse_complement
from evoflow.extract.contexts import Contexts
from evoflow.settings import EmbeddingSettings
from evoflow.table import ALLELE

KEY = ["sequence", "variant_offset"]

STRANDS = {"forward": "", "reverse": "_reverse"}
"""What the columns `read` and `window` end in for each strand that is embedded."""


def held_out(examples: pd.DataFrame) -> pd.DataFrame:
    """List the rows of the own read of every allele in validation and test.

    A read that stays aligned as its reverse complement is there in both orientations: its
    predictions are averaged.

    Returns
    -------
    DataFrame
        Columns as `balance` gives them, and `split`.
    """
    own = examples["split"].isin(["validation", "test"]) & ~examples.duplicated(ALLELE)
    return both_orientations(examples, np.flatnonzero(own)).assign(
        source="own read", split=lambda rows: examples["split"].to_numpy()[rows["example"]]
    )


def both_orientations(examples: pd.DataFrame, numbers: npt.NDArray[np.int64]) -> pd.DataFrame:
    """List rows of the examples as they are, and turned where they stay aligned with the window.

    Returns
    -------
    DataFrame
        Columns `example`, `reverse_complement` and `weight` (1), sorted by example.
    """
    turned = numbers[turnable(examples.iloc[numbers]).to_numpy(dtype=bool)]
    rows = pd.DataFrame(
        {
            "example": np.concatenate([numbers, turned]),
            "reverse_complement": np.arange(len(numbers) + len(turned)) >= len(numbers),
            "weight": 1.0,
        }
    )
    return rows.sort_values(["example", "reverse_complement"], ignore_index=True)


def unique_sequences(
    examples: pd.DataFrame,
    rows: pd.DataFrame,
    embedding: EmbeddingSettings,
    contexts: Contexts | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """List what must be embedded, each distinct sequence and place in it once.

    Parameters
    ----------
    examples
        The table of examples.
    rows
        Columns `example` (row number in `examples`) and `reverse_complement`; others are kept.
    embedding
        Which tokens are kept, and of which strands.
    contexts
        The reference around the reads, where the model sees it.

    Returns
    -------
    sequences : DataFrame
        Columns `sequence` and `variant_offset` (the base around which tokens are kept: see
        `first_difference`), unique and sorted, the longest first, so that equal sequences are
        neighbours.
    rows : DataFrame
        The rows with `read` and `window`, the row numbers in `sequences` of the read and of its
        reference window; where both strands are embedded also `read_reverse` and `window_reverse`,
        those of their reverse complements.
    """
    strands = list(STRANDS.values()) if embedding.strands == "both" else [""]
    turned = rows["reverse_complement"].to_numpy(dtype=bool)
    # Copies of a row want the same sequences.
    distinct, row = np.unique(2 * rows["example"].to_numpy() + turned, return_inverse=True)
    used, turned = examples.iloc[distinct // 2], distinct % 2 == 1
    offset = first_difference(used)
    if contexts is not None:
        used = contexts.surround(used)
        offset += used["before"].to_numpy()
    length = np.array([len(sequence) for sequence in used["sequence"]], dtype=np.int64)
    mirrored = mirrored_offset(offset, length, embedding)
    wanted = {}
    for strand in strands:
        other = turned != (strand != "")
        for name, column in (("read", "sequence"), ("window", "reference_sequence")):
            wanted[name + strand] = pd.DataFrame(
                {
                    "sequence": _oriented(used[column], other),
                    "variant_offset": np.where(other, mirrored, offset),
                }
            )
    every = pd.concat([*wanted.values()])
    sequences = every.drop_duplicates()
    shortness = -sequences["sequence"].str.len()
    sequences = sequences.assign(shortness=shortness).sort_values(["shortness", *KEY])
    sequences = sequences[KEY].reset_index(drop=True)
    index = pd.MultiIndex.from_frame(sequences)
    numbers = {
        name: index.get_indexer(pd.MultiIndex.from_frame(some))[row]
        for name, some in wanted.items()
    }
    return sequences, rows.assign(**numbers)


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


def _oriented(sequences: pd.Series, turned: npt.NDArray[np.bool_]) -> list[str]:
    return [
        reverse_complement(sequence) if turn else sequence
        for sequence, turn in zip(sequences, turned, strict=True)
    ]
