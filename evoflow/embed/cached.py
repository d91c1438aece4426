"""An embedder that looks up what was embedded before."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import repeat
from typing import Literal

import numpy as np

from evoflow.embed.embedder import Embedder, Embeddings, report_of
from evoflow.embed.objects import open_objects
from evoflow.embed.pooling import Span, Tokens
from evoflow.embed.store import EmbeddingStore, Stored, sequence_key
from evoflow.embed.weights.loading import identity_of
from evoflow.layers import Layer
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
        filled: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> Embeddings:
        """Embed sequences; see `Embedder.embed`. The report tells what the store gave."""
        begun = time.perf_counter()
        stream = self.embedder.stream(sequences, layer=layer, tokens=tokens, offsets=offsets)
        width = self.embedder.width(layer)
        told = offsets if isinstance(tokens, Window) and offsets is not None else repeat(None)
        keys = [sequence_key(*wanted) for wanted in zip(sequences, told, strict=False)]
        table = _Filled(keys, stream.spans, width, stored_dtype, progress)
        recipe = {
            "weights": weights_identity(self.embedder),
            "layer": layer,
            "tokens": tokens.model_dump() if isinstance(tokens, Window) else tokens,
            "dtype": self.embedder.provenance.dtype,
        }
        store = EmbeddingStore(self.objects, recipe, stored_dtype, width)
        missing = dict(table.rows)
        for stored in store.find(
            {key: stream.spans[at[0]].num_tokens for key, at in missing.items()}
        ):
            table.put(stored)
            del missing[stored.key]
        store.use.misses = len(missing)
        first = [rows[0] for rows in missing.values()]
        stream = self.embedder.stream(
            [sequences[row] for row in first],
            layer=layer,
            tokens=tokens,
            offsets=None if offsets is None else [offsets[row] for row in first],
            stored_dtype=stored_dtype,
            filled=filled,
        )
        segment: list[Stored] = []
        for result in stream:
            # A copy: the values are a view of their whole batch.
            stored = Stored(keys[first[result.index]], result.values.copy(), result.log_likelihood)
            table.put(stored)
            segment.append(stored)
            if len(segment) * stored.values.nbytes >= SEGMENT_BYTES:
                store.add(segment)
                segment = []
        if segment:
            store.add(segment)
        report = replace(
            report_of(stream, len(sequences)),
            seconds=time.perf_counter() - begun,
            cache=store.use,
        )
        provenance = replace(self.embedder.provenance, layer=layer, tokens=tokens)
        return Embeddings(table.values, table.log_likelihood, report, provenance)


class _Filled:
    """The result, row by row: each key's embedding goes to every row that asked for it."""

    def __init__(
        self,
        keys: Sequence[str],
        spans: Sequence[Span],
        width: int,
        stored_dtype: str,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.rows: dict[str, list[int]] = {}
        for row, key in enumerate(keys):
            self.rows.setdefault(key, []).append(row)
        longest = max((span.num_tokens for span in spans), default=0)
        self.values = np.zeros((len(keys), longest, width), dtype=stored_dtype)
        self.log_likelihood = np.full(len(keys), np.nan, dtype=np.float32)
        self._progress = progress
        self._done = 0

    def put(self, stored: Stored) -> None:
        rows = self.rows[stored.key]
        self.values[rows, : len(stored.values)] = stored.values
        self.log_likelihood[rows] = stored.log_likelihood
        self._done += len(rows)
        if self._progress is not None:
            self._progress(self._done, len(self.values))


def weights_identity(embedder: Embedder) -> str:
    """Name the weights: those of a commit as they are stored, others as they are in memory now."""
    made = embedder.provenance
    if made.revision is not None and made.weights is not None:
        return made.weights
    return identity_of(embedder.model.state_dict())
