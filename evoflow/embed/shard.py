"""A shard of the sequences through the model: what a task of `embed` does."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evoflow.devices.claims import claimed_device
from evoflow.devices.cores import share_cores
from evoflow.embed.cached import CachedStream
from evoflow.embed.cost import Forecast
from evoflow.embed.embedder import Embedder
from evoflow.embed.results import EmbeddingReport, Provenance, report_of
from evoflow.embed.store.datastore import Datastore
from evoflow.embed.store.handle import EmbeddingWriter, StoredEmbeddings
from evoflow.embed.store.parts import Background
from evoflow.progress import Phases, silent
from evoflow.settings import Settings
from evoflow.settings.layer_names import Layer


@dataclass(frozen=True)
class EmbeddedShard:
    """What a task of `embed` leaves.

    Attributes
    ----------
    embeddings
        The way to the stored values; for several layers, one of each.
    log_likelihood
        See `Embeddings.log_likelihood`.
    report
        What it took.
    provenance
        What made them.
    """

    embeddings: StoredEmbeddings | dict[Layer, StoredEmbeddings]
    log_likelihood: NDArray[np.float32]
    report: EmbeddingReport
    provenance: Provenance


def embed_shard(
    sequences: pd.DataFrame,
    settings: Settings,
    *,
    tasks: int,
    datastore: Datastore,
    task: str,
    progress: Callable[[int, int], None],
    phases: Phases = silent,
    all_tokens: int = 0,
) -> EmbeddedShard:
    """Embed sequences on a device that is this task's alone, or on its share of the cores.

    Parameters
    ----------
    sequences
        Columns `sequence` and `variant_offset`.
    settings
        Of the run.
    tasks
        Shards in all; on this machine, they share its cores.
    datastore
        Where embeddings are stored, while the next ones are computed.
    task
        What messages call the task, such as `EvoFlow/12/embed/7`.
    progress
        Called with the number of sequences done and of all.
    phases
        Where loading the model is shown.
    all_tokens
        Tokens of all shards; what they cost is printed after the first batches.

    Raises
    ------
    InputError
        As `Embedder.from_settings`, `Embedder.stream` and `Datastore.save` raise it.
    """
    if settings.compute.target == "local":
        share_cores(tasks)
    with claimed_device(settings.model.device) as device:
        model = settings.model.model_copy(update={"device": str(device)})
        busy = "GPU" if device.type == "cuda" else "CPU"
        tell = partial(print, file=sys.stderr, flush=True)
        forecast = Forecast(sequences["sequence"].tolist(), all_tokens, busy, tell)

        def advance(done: int, total: int) -> None:
            progress(done, total)
            forecast.advance(done, total)

        return store_embeddings(
            # Named nowhere, so that it leaves the device on return.
            Embedder.from_settings(model, shared=settings.compute.weights, phases=phases),
            sequences,
            settings,
            datastore=datastore,
            task=task,
            progress=advance,
        )


def store_embeddings(
    embedder: Embedder,
    sequences: pd.DataFrame,
    settings: Settings,
    *,
    datastore: Datastore,
    task: str,
    progress: Callable[[int, int], None],
) -> EmbeddedShard:
    """Embed with a model that is loaded; see `embed_shard`."""
    wish, location = settings.model.embedding, settings.compute.embedding_cache
    texts, offsets = sequences["sequence"].tolist(), sequences["variant_offset"].tolist()
    log_likelihood = np.full(len(texts), np.nan, np.float32)
    with Background() as background:
        stream = (
            CachedStream(
                embedder, location, texts, offsets=offsets, wish=wish, background=background
            )
            if location
            else embedder.stream(
                texts,
                layers=wish.stored_layers,
                tokens=wish.tokens,
                offsets=offsets,
                stored_dtype=wish.stored_dtype,
                filled=True,  # or the number of shards would show in the last bits
            )
        )
        tokens = max((span.num_tokens for span in stream.spans), default=0)
        writers = [
            EmbeddingWriter(
                datastore,
                task,
                (len(texts), tokens, embedder.width(layer)),
                wish.stored_dtype,
                background,
            )
            for layer in wish.stored_layers
        ]
        for done, result in enumerate(stream, start=1):
            for writer, values in zip(writers, result.values, strict=True):
                writer.put(result.index, values)
            log_likelihood[result.index] = result.log_likelihood
            progress(done, len(texts))
        stored = [writer.finish() for writer in writers]
    by_layer = dict(zip(wish.stored_layers, stored, strict=True))
    return EmbeddedShard(
        by_layer if wish.layers else stored[0],
        log_likelihood,
        report_of(stream.work, len(texts), getattr(stream, "use", None)),
        embedder.provenance,
    )
