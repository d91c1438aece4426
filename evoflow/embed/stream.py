"""One run of sequences through a model, result by result.

Results are copied from the device while it computes the next batch, and memory does not grow with
the number of sequences.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from evoflow.embed.batching import Batch, plan_batches
from evoflow.embed.hyena.model import Hyena
from evoflow.embed.hyena.tokens import PAD_ID, encode
from evoflow.embed.pooling import Span, on_device, pool
from evoflow.embed.results import Work
from evoflow.errors import InputError
from evoflow.settings.layer_names import Layer, has_likelihood


@dataclass(frozen=True)
class Embedded:
    """One sequence's result.

    Attributes
    ----------
    index
        Which sequence.
    values
        Of each layer, shape=(tokens, width).
    log_likelihood
        See `Embeddings.log_likelihood`.
    """

    index: int
    values: tuple[NDArray[np.floating], ...]
    log_likelihood: float


@dataclass(frozen=True)
class _Launched:
    """Results under way from the device."""

    rows: tuple[int, ...]
    values: list[Tensor]
    finite: list[Tensor]
    log_likelihood: Tensor
    copied: torch.cuda.Event | None


class EmbeddingStream:
    """Iterates over the results of sequences, in the order in which they are ready.

    Parameters
    ----------
    model
        Evo.
    sequences
        Valid sequences.
    spans
        The tokens kept of each.
    names
        What problems call each.
    layers
        What is kept of each token, all in one pass.
    stored_dtype
        Type of the values.
    tokens_per_batch
        Tokens that go through the model at once, unless one sequence has more.
    filled
        Whether batches are filled with padding; see `Embedder.embed`.
    """

    def __init__(
        self,
        model: Hyena,
        sequences: Sequence[str],
        spans: Sequence[Span],
        names: Sequence[str],
        *,
        layers: Sequence[Layer],
        stored_dtype: Literal["float16", "float32"],
        tokens_per_batch: int,
        filled: bool,
    ) -> None:
        self.model = model
        self.layers = tuple(layers)
        self.spans = spans
        self.work = Work()
        self._names = names
        self._stored_dtype = torch.float16 if stored_dtype == "float16" else torch.float32
        self._requests: dict[str, dict[Span, list[int]]] = {}
        for index, (sequence, span) in enumerate(zip(sequences, spans, strict=True)):
            self._requests.setdefault(sequence.upper(), {}).setdefault(span, []).append(index)
        self._unique = list(self._requests)
        self.work.unique_sequences = len(self._unique)
        self._batches = plan_batches(self._unique, tokens_per_batch, filled=filled)

    def __iter__(self) -> Iterator[Embedded]:
        """Run.

        Raises
        ------
        InputError
            If a result is not finite, or one sequence alone is too much for the device.
        """
        start = time.perf_counter()
        pending: _Launched | None = None
        queue = self._batches[::-1]
        largest = float("inf")
        while queue:
            batch = queue.pop()
            launched = self._try(batch) if batch.num_tokens <= largest else None
            if launched is not None:
                if pending is not None:
                    yield from self._collect(pending)
                pending = launched
            elif batch.size > 1:
                halves = batch.halves()
                largest = min(largest, halves[0].num_tokens)
                queue += halves[::-1]
            else:
                raise InputError(
                    f"{self.model.device} has too little memory for one sequence of "
                    f"{batch.length} bases; use a device with more, or shorter sequences"
                )
            self.work.seconds = time.perf_counter() - start
        if pending is not None:
            yield from self._collect(pending)
        self.work.seconds = time.perf_counter() - start

    def _try(self, batch: Batch) -> _Launched | None:
        """Launch a batch; None where the device has too little memory for it."""
        try:
            return self._launch(batch)
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
        # Outside the handler, whose traceback holds the failed pass's tensors.
        self.work.halved_batches += 1
        cache = self.model.backbone.filter_cache
        cache.clear()
        cache.max_bytes //= 2
        if self.model.device.type == "cuda":
            torch.cuda.empty_cache()
        return None

    @torch.inference_mode()
    def _launch(self, batch: Batch) -> _Launched:
        device = self.model.device
        sequences = [self._unique[row] for row in batch.rows]
        ids = torch.from_numpy(encode(sequences))
        ids = F.pad(ids, (0, 0, 0, batch.size - len(ids)), value=PAD_ID)
        if device.type == "cuda":
            # Matrix products are several times slower on rows that are not whole 16 bytes; a
            # batch of 8 sequences, or a multiple, has such rows.
            padding = -batch.length % 8 if batch.size % 8 else 0
            ids = F.pad(ids, (0, padding), value=PAD_ID)
        num_tokens = ids.numel()
        ids = on_device(ids, device).int()
        states, log_likelihood = self._forward(ids, [len(sequence) for sequence in sequences])
        kept = [
            (row, span)
            for row, sequence in enumerate(sequences)
            for span in self._requests[sequence]
        ]
        rows, spans = zip(*kept, strict=True)
        values = [pool(layer, rows, spans).to(self._stored_dtype) for layer in states]
        finite = [layer.isfinite().all(dim=1) for layer in values]
        self.work.forward_passes += 1
        self.work.tokens += num_tokens
        self.work.padding += num_tokens - sum(map(len, sequences))
        launched = _Launched(
            batch.rows,
            [_to_host(layer) for layer in values],
            [_to_host(layer) for layer in finite],
            _to_host(log_likelihood),
            torch.cuda.Event() if device.type == "cuda" else None,
        )
        if launched.copied is not None:
            launched.copied.record(torch.cuda.current_stream(device))
        return launched

    def _forward(self, ids: Tensor, lengths: list[int]) -> tuple[list[Tensor], Tensor]:
        """Return each layer's states, shape=(B, L, width), and mean log-likelihoods, shape=(B,)."""
        depth = self.model.config.num_layers
        if not any(has_likelihood(layer, depth) for layer in self.layers):
            outputs = self.model.outputs(ids, self.layers)
            absent = torch.full((len(lengths),), torch.nan)
            return [outputs[layer] for layer in self.layers], absent
        outputs = self.model.outputs(ids, [*self.layers, "logits"])
        states, logits = [outputs[layer] for layer in self.layers], outputs["logits"]
        losses = F.cross_entropy(
            logits[:, :-1].flatten(0, 1).float(), ids[:, 1:].flatten().long(), reduction="none"
        ).view(len(ids), -1)[: len(lengths)]
        predicted = on_device(lengths, ids.device) - 1
        inside = torch.arange(losses.shape[1], device=ids.device) < predicted[:, None]
        return states, -(losses * inside).sum(1) / predicted  # 0 / 0 is NaN: one base has none

    def _collect(self, launched: _Launched) -> Iterator[Embedded]:
        if launched.copied is not None:
            launched.copied.synchronize()
        values = [layer.numpy() for layer in launched.values]
        finite = [layer.numpy() for layer in launched.finite]
        start = 0
        log_likelihoods = launched.log_likelihood.tolist()
        for row, log_likelihood in zip(launched.rows, log_likelihoods, strict=True):
            sequence = self._unique[row]
            for span, indices in self._requests[sequence].items():
                kept = slice(start, start := start + span.num_tokens)
                for layer, sound in zip(self.layers, finite, strict=True):
                    if not sound[kept].all():
                        raise InputError(self._explain_not_finite(sequence, indices[0], layer))
                for index in indices:
                    yield Embedded(index, tuple(layer[kept] for layer in values), log_likelihood)

    def _explain_not_finite(self, sequence: str, index: int, layer: Layer) -> str:
        shown = sequence if len(sequence) <= 24 else f"{sequence[:24]}..."
        stored = str(self._stored_dtype).removeprefix("torch.")
        return (
            f"{self._names[index]} ({shown}, {len(sequence)} bases) has embeddings of layer "
            f"{layer} that are not finite in {stored}; set model.embedding.stored_dtype to "
            "float32, or model.dtype to float32 if they still are not"
        )


def _to_host(tensor: Tensor) -> Tensor:
    """Copy to the host without waiting; from a GPU into pinned memory."""
    if tensor.device.type != "cuda":
        return tensor.cpu()
    host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    return host.copy_(tensor, non_blocking=True)


def _is_out_of_memory(error: RuntimeError) -> bool:
    """Whether a device, or a library on it, lacked memory."""
    signs = ("DefaultCPUAllocator", "CUBLAS_STATUS_ALLOC_FAILED", "CUFFT_ALLOC_FAILED")
    return isinstance(error, torch.OutOfMemoryError) or any(sign in str(error) for sign in signs)
