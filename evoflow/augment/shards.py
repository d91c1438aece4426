"""Into how many shards the sequences are cut: large enough to pay off, few enough to run."""

import pandas as pd

from evoflow.augment.sequences import shard_ranges
from evoflow.errors import InputError
from evoflow.settings import ComputeSettings


def plan_shards(
    sequences: pd.DataFrame, compute: ComputeSettings, bytes_per_sequence: int
) -> list[tuple[int, int]]:
    """Divide the sequences into half-open ranges of row numbers, `max_shards` at most.

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
    most = compute.max_shards
    fitting = max(1, compute.megabytes_per_shard * 1_000_000 // bytes_per_sequence)
    size = min(compute.sequences_per_shard, fitting)
    while len(ranges := shard_ranges(sequences, size)) > most:
        size = max(-(-len(sequences) // most), size + 1 + size // 50)
    if size > fitting and len(ranges) > 1:
        raise InputError(
            f"{len(sequences):,} sequences with embeddings of {bytes_per_sequence / 1000:.0f} kB "
            f"do not fit into {most} shards (compute.max_shards) of "
            f"{compute.megabytes_per_shard} MB (compute.megabytes_per_shard); set max_shards to "
            f"{-(-len(sequences) // fitting)} or more and start with --max-num-splits, store less "
            "of each sequence (model.embedding.tokens: mean), or take fewer examples "
            "(data.regions, data.reads_per_variant)"
        )
    return ranges
