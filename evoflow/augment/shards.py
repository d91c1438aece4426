"""Divide the sequences into shards that are large enough to pay off and few enough to run."""

import pandas as pd

from evoflow.augment.sequences import shard_ranges
from evoflow.settings import ComputeSettings


def plan_shards(sequences: pd.DataFrame, compute: ComputeSettings) -> list[tuple[int, int]]:
    """Divide the sequences into half-open ranges of row numbers, `max_shards` at most.

    Shards are as even as may be, so that none is waited for. They have at most
    `sequences_per_shard` sequences, more where there would be too many shards. Their bytes bind
    nothing: they are stored while they are computed, and read part by part.

    Parameters
    ----------
    sequences
        As `unique_sequences` lists them.
    compute
        The targets.
    """
    most, size = compute.max_shards, compute.sequences_per_shard
    while len(ranges := shard_ranges(sequences, size)) > most:
        size = max(-(-len(sequences) // most), size + 1 + size // 50)
    evenly = shard_ranges(sequences, -(-len(sequences) // max(1, len(ranges))))
    # Equal sequences stay together, so that the even size may need one shard more.
    return evenly if len(evenly) == len(ranges) else ranges
