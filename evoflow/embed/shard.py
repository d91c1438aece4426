"""One shard of the sequences through the model: what a task of the step `embed` does."""

from collections.abc import Callable

import pandas as pd

from evoflow.devices.claims import claimed_device
from evoflow.devices.cores import share_cores
from evoflow.embed.cached import with_cache
from evoflow.embed.embedder import Embedder
from evoflow.embed.results import Embeddings
from evoflow.progress import Phases, silent
from evoflow.settings import ComputeSettings, ModelSettings, Settings


def embed_shard(
    sequences: pd.DataFrame,
    settings: Settings,
    *,
    tasks: int,
    progress: Callable[[int, int], None],
    phases: Phases = silent,
) -> Embeddings:
    """Embed sequences on a device that is this task's alone, or on its share of the cores.

    Parameters
    ----------
    sequences
        Columns `sequence` and `variant_offset`.
    settings
        Of the run.
    tasks
        Shards in all; on this machine, they share its cores.
    progress
        Called with the number of sequences done and of all.
    phases
        Where loading the model is shown.

    Raises
    ------
    InputError
        As `Embedder.from_settings` and `Embedder.embed` raise it.
    """
    if settings.compute.target == "local":
        share_cores(tasks)
    with claimed_device(settings.model.device) as device:
        model = settings.model.model_copy(update={"device": str(device)})
        return _embed(sequences, model, settings.compute, progress, phases)


def _embed(
    sequences: pd.DataFrame,
    model: ModelSettings,
    compute: ComputeSettings,
    progress: Callable[[int, int], None],
    phases: Phases,
) -> Embeddings:
    """Load the model and embed; on return the model is gone from the device."""
    loaded = Embedder.from_settings(model, shared=compute.weights, phases=phases)
    embedder = with_cache(loaded, compute.embedding_cache)
    return embedder.embed(
        sequences["sequence"].tolist(),
        offsets=sequences["variant_offset"].tolist(),
        layer=model.embedding.layer,
        tokens=model.embedding.tokens,
        stored_dtype=model.embedding.stored_dtype,
        filled=True,  # or the number of shards would show in the last bits
        progress=progress,
    )
