"""Into how many shards the sequences are cut: large enough to pay off, few enough to run."""

import pandas as pd

from evoflow.augment.sequences import shard_ranges
from evoflow.errors import InputError
from evoflow.settings import ComputeSettings

MAX_SHARDS = 90
"""Metaflow refuses a foreach over more than 100 tasks, and only after `augment` has run."""


def plan_shards(
    sequences: pd.DataFrame, compute: ComputeSettings, bytes_per_sequence: int
) -> list[tuple[int, int]]:
    """Divide the sequences into half-open ranges of row numbers, `MAX_SHARDS` at most.

    A shard has `sequences_per_shard` sequences, fewer where their embeddings would take more than
    `megabytes_per_shard`, more where the shards would be too many.

    Parameters
    ----------
    sequences
        As `unique_sequences` lists them.
    compute
        The targets.
    bytes_per_sequence
        Of one embedding, as it is stored.

    Raises
    ------
    InputError
        If the embeddings are more than so many shards may hold.
    """
    fitting = max(1, compute.megabytes_per_shard * 1_000_000 // bytes_per_sequence)
    size = min(compute.sequences_per_shard, fitting)
    while len(ranges := shard_ranges(sequences, size)) > MAX_SHARDS:
        size = max(-(-len(sequences) // MAX_SHARDS), size + 1 + size // 50)
    if size > fitting and len(ranges) > 1:
        raise InputError(
            f"{len(sequences)} sequences with embeddings of {bytes_per_sequence / 1000:.0f} kB do "
            f"not fit into {MAX_SHARDS} shards of compute.megabytes_per_shard = "
            f"{compute.megabytes_per_shard}; store less of each sequence "
            "(model.embedding.tokens: mean), allow larger shards, or take fewer examples "
            "(data.regions, data.reads_per_variant)"
        )
    return ranges
