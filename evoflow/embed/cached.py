"""A stream of results that looks up what was embedded before."""

import time
from collections.abc import Iterator, Sequence
from functools import partial
from heapq import merge
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from evoflow.embed.embedder import Embedder
from evoflow.embed.objects.places import open_objects
from evoflow.embed.results import Work
from evoflow.embed.store.cache import EmbeddingCache, Use
from evoflow.embed.store.parts import Background, PartWriter, read_ahead, rows_per_part
from evoflow.embed.store.segments import Entry, sequence_key
from evoflow.embed.stream import Embedded, EmbeddingStream
from evoflow.embed.weights.loading import identity_of
from evoflow.errors import InputError
from evoflow.settings import EmbeddingSettings, Window
from evoflow.settings.layer_names import Layer, has_likelihood, parse_layer, resolve_layer

Places = dict[str, list[Entry]]
"""For each key of a sequence, where a layer's embedding lies."""


class CachedStream:
    """Iterates over the results of sequences as `EmbeddingStream` does, most of them looked up.

    Results come in the order of the sequences where these are sorted by length and letters.

    Parameters
    ----------
    embedder
        What computes the others.
    location
        Folder or `s3://bucket/prefix`. Where it cannot be used, a warning says so and everything
        is computed.
    sequences, offsets
        As `Embedder.stream` takes them; all have as many tokens.
    wish
        What is kept.
    background
        Where results are written to the cache.
    """

    def __init__(
        self,
        embedder: Embedder,
        location: str,
        sequences: Sequence[str],
        *,
        offsets: Sequence[int],
        wish: EmbeddingSettings,
        background: Background,
    ) -> None:
        self.work = Work()
        self.use = Use()
        self._embedder = embedder
        self._sequences = sequences
        self._offsets = offsets
        self._wish = wish
        self._background = background
        self.spans = self._stream(range(len(sequences))).spans
        self._tokens = self.spans[0].num_tokens if sequences else 0
        told = offsets if isinstance(wish.tokens, Window) else [None] * len(sequences)
        self._rows: dict[str, list[int]] = {}
        for row, (sequence, offset) in enumerate(zip(sequences, told, strict=True)):
            self._rows.setdefault(sequence_key(sequence, offset), []).append(row)
        self._caches = self._open(location)

    def __iter__(self) -> Iterator[Embedded]:
        """Run; raises as `EmbeddingStream` does."""
        start = time.perf_counter()
        found = [cache.find(list(self._rows)) for cache in self._caches]
        known: list[str] = []
        unknown: list[str] = []
        for key in self._rows:
            everywhere = bool(found) and all(key in places for places in found)
            (known if everywhere else unknown).append(key)
        computed, looked_up = self._compute(unknown), self._look_up(known, found)
        for result in merge(looked_up, computed, key=attrgetter("index")):
            yield result
            self.work.seconds = time.perf_counter() - start

    def _look_up(self, keys: Sequence[str], found: Sequence[Places]) -> Iterator[Embedded]:
        """Read what the caches have, some keys ahead; compute what turns out to be damaged."""
        row_shape = (self._tokens, sum(cache.width for cache in self._caches))
        size = rows_per_part(row_shape, np.dtype(self._wish.stored_dtype))
        parts = [keys[start : start + size] for start in range(0, len(keys), size)]
        for part, results in zip(
            parts, read_ahead(partial(self._read, found=found), parts), strict=True
        ):
            damaged = [key for key in part if key not in results]
            self.use.hits += len(part) - len(damaged)
            again = self._compute(damaged) if damaged else ()
            yield from merge(
                (
                    Embedded(row, *results[key])
                    for key in part
                    if key in results
                    for row in self._rows[key]
                ),
                again,
                key=attrgetter("index"),
            )

    def _read(
        self, keys: Sequence[str], found: Sequence[Places]
    ) -> dict[str, tuple[tuple[NDArray[np.floating], ...], float]]:
        """Read some keys: values of all layers, and the likelihood where a layer has one."""
        layers = [
            cache.read({key: places[key] for key in keys}, self._tokens)
            for cache, places in zip(self._caches, found, strict=True)
        ]
        results = {}
        for key in keys:
            if all(key in layer for layer in layers):
                stored = [layer[key] for layer in layers]
                told = [one.log_likelihood for one in stored if not np.isnan(one.log_likelihood)]
                values = tuple(one.values for one in stored)
                results[key] = (values, told[0] if told else float("nan"))
        return results

    def _compute(self, keys: Sequence[str]) -> Iterator[Embedded]:
        """Run the model over the sequences of some keys, and keep the results."""
        self.use.misses += len(keys)
        stream = self._stream([self._rows[key][0] for key in keys])
        likelihoods = np.empty(len(keys), np.float32)
        writers = [
            self._writer(cache, layer, keys, likelihoods)
            for cache, layer in zip(self._caches, self._wish.stored_layers, strict=False)
        ]
        for result in stream:
            likelihoods[result.index] = result.log_likelihood
            for writer, values in zip(writers, result.values, strict=False):
                writer.put(result.index, values)
            for row in self._rows[keys[result.index]]:
                yield Embedded(row, result.values, result.log_likelihood)
        for writer in writers:
            writer.finish()
        self.work.add(stream.work)

    def _writer(
        self,
        cache: EmbeddingCache,
        layer: Layer,
        keys: Sequence[str],
        likelihoods: NDArray[np.float32],
    ) -> PartWriter[None]:
        # So that an entry does not depend on the layers beside it.
        told = has_likelihood(layer, self._embedder.model.config.num_layers)

        def save(first: int, values: NDArray[np.floating]) -> None:
            part = slice(first, first + len(values))
            known = likelihoods[part] if told else np.full(len(values), np.nan, np.float32)
            cache.add(keys[part], values, known)

        shape = (len(keys), self._tokens, cache.width)
        return PartWriter(shape, cache.dtype, save, self._background)

    def _stream(self, rows: Sequence[int]) -> EmbeddingStream:
        return self._embedder.stream(
            [self._sequences[row] for row in rows],
            layers=self._wish.stored_layers,
            tokens=self._wish.tokens,
            offsets=[self._offsets[row] for row in rows],
            stored_dtype=self._wish.stored_dtype,
            filled=True,  # or what was looked up would show in the last bits of the others
        )

    def _open(self, location: str) -> list[EmbeddingCache]:
        """Open the cache of each layer; none where the location cannot be used."""
        try:
            objects = open_objects(location)
        except InputError as error:
            self.use.warn(error)
            return []
        wish, weights = self._wish, weights_identity(self._embedder)
        recipe: dict[str, object] = {
            "weights": weights,
            "tokens": wish.tokens.model_dump() if isinstance(wish.tokens, Window) else wish.tokens,
            "dtype": self._embedder.provenance.dtype,
        }
        # A block whose branch is looked at computes it apart, and rounds otherwise.
        looked_at = sorted(str(layer) for layer in wish.stored_layers if _is_branch(layer))
        if looked_at:
            recipe["branches"] = looked_at
        return [
            EmbeddingCache(
                objects,
                {**recipe, "layer": self._meaning(layer)},
                wish.stored_dtype,
                self._embedder.width(layer),
                self.use,
            )
            for layer in wish.stored_layers
        ]

    def _meaning(self, layer: Layer) -> Layer:
        """Name a layer in one way, whichever of its names the settings use."""
        output = resolve_layer(layer, self._embedder.model.config.num_layers)
        if output.kind == "residual" and output.num_blocks is not None:
            return output.num_blocks
        return layer if _is_branch(layer) else output.kind


def _is_branch(layer: Layer) -> bool:
    return parse_layer(layer).kind == "mlp"


def weights_identity(embedder: Embedder) -> str:
    """Name the weights: those of a commit as they are stored, others as they are in memory now."""
    made = embedder.provenance
    if made.revision is not None and made.weights is not None:
        return made.weights
    return identity_of(embedder.model.state_dict())
