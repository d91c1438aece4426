"""An embedder that looks up what was embedded before."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from evoflow.embed.embedder import Embedder, EmbeddingReport, Embeddings
from evoflow.embed.objects import open_objects
from evoflow.embed.pooling import Tokens
from evoflow.embed.store import EmbeddingStore, Stored, sequence_key
from evoflow.embed.stream import Layer
from evoflow.settings import Window

SEGMENT_BYTES = 64_000_000
"""A segment is written as soon as it holds so much: what a lost task loses of its work at most."""


def with_cache(embedder: Embedder, location: str | None) -> "Embedder | CachedEmbedder":
    """Have an embedder look things up, where a location is named."""
    return CachedEmbedder(embedder, location) if location else embedder


class CachedEmbedder:
    """Embeds as `Embedder` does, and keeps the results in a store.

    Parameters
    ----------
    embedder
        What computes.
    location
        Folder or `s3://bucket/prefix`.

    Raises
    ------
    InputError
        If the location cannot be used.
    """

    def __init__(self, embedder: Embedder, location: str) -> None:
        self.embedder = embedder
        self.objects = open_objects(location)

    def embed(
        self,
        sequences: Sequence[str],
        *,
        layer: Layer,
        tokens: Tokens,
        offsets: Sequence[int] | None = None,
        stored_dtype: Literal["float16", "float32"] = "float16",
        progress: Callable[[int, int], None] | None = None,
    ) -> Embeddings:
        """Embed sequences; see `Embedder.embed`. The report tells what the store gave."""
        begun = time.perf_counter()
        embedder = self.embedder
        spans = embedder.stream(sequences, layer=layer, tokens=tokens, offsets=offsets).spans
        windowed = isinstance(tokens, Window)
        keys = [
            sequence_key(sequence, offsets[row] if windowed and offsets is not None else None)
            for row, sequence in enumerate(sequences)
        ]
        rows: dict[str, list[int]] = {}
        for row, key in enumerate(keys):
            rows.setdefault(key, []).append(row)
        width = embedder.width(layer)
        longest = max((span.num_tokens for span in spans), default=0)
        values = np.zeros((len(sequences), longest, width), dtype=stored_dtype)
        log_likelihood = np.full(len(sequences), np.nan, dtype=np.float32)
        done = 0

        def keep(stored: Stored) -> None:
            nonlocal done
            for row in rows[stored.key]:
                values[row, : len(stored.values)] = stored.values
                log_likelihood[row] = stored.log_likelihood
            done += len(rows[stored.key])
            if progress is not None:
                progress(done, len(sequences))

        recipe = {
            "weights": weights_identity(embedder),
            "layer": layer,
            "tokens": tokens.model_dump() if isinstance(tokens, Window) else tokens,
            "dtype": embedder.provenance.dtype,
        }
        store = EmbeddingStore(self.objects, recipe, stored_dtype, width)
        missing = dict(rows)
        for stored in store.find({key: spans[rows[key][0]].num_tokens for key in rows}):
            keep(stored)
            del missing[stored.key]
        store.use.misses = len(missing)
        first = [found[0] for found in missing.values()]
        stream = embedder.stream(
            [sequences[row] for row in first],
            layer=layer,
            tokens=tokens,
            offsets=None if offsets is None else [offsets[row] for row in first],
            stored_dtype=stored_dtype,
        )
        segment: list[Stored] = []
        for result in stream:
            # A copy: the values are a view of their whole batch.
            stored = Stored(keys[first[result.index]], result.values.copy(), result.log_likelihood)
            keep(stored)
            segment.append(stored)
            if len(segment) * stored.values.nbytes >= SEGMENT_BYTES:
                store.add(segment)
                segment = []
        if segment:
            store.add(segment)
        report = EmbeddingReport(
            sequences=len(sequences),
            unique_sequences=stream.num_unique,
            forward_passes=stream.work.forward_passes,
            tokens=stream.work.tokens,
            padding_waste=stream.work.padding / max(1, stream.work.tokens),
            seconds=time.perf_counter() - begun,
            cache=store.use,
        )
        provenance = replace(embedder.provenance, layer=layer, tokens=tokens)
        return Embeddings(values, log_likelihood, report, provenance)


def weights_identity(embedder: Embedder) -> str:
    """Name the weights: the checkpoint's commit, or a hash of the weights where there is none."""
    if embedder.provenance.revision is not None:
        return f"{embedder.provenance.checkpoint}@{embedder.provenance.revision}"
    import torch

    digest = hashlib.sha256()
    for name, tensor in sorted(embedder.model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
