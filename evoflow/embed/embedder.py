"""Sequences through Evo: the layer and the tokens that are wanted, and log-likelihoods."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Literal, Self

import numpy as np

from evoflow import __version__
from evoflow.devices.choice import choose_device, choose_dtype, device_name
from evoflow.devices.memory import MemoryClaim, free_memory
from evoflow.dna import ALPHABET, unknown_letter
from evoflow.embed.hyena.model import Hyena
from evoflow.embed.pooling import Span, Tokens, span
from evoflow.embed.results import Embeddings, Provenance, report_of
from evoflow.embed.stream import EmbeddingStream
from evoflow.embed.weights.model import load_model
from evoflow.errors import InputError
from evoflow.progress import Phases, silent
from evoflow.settings import ModelSettings
from evoflow.settings.layer_names import Layer

logger = logging.getLogger(__name__)


class Embedder:
    """Embeds sequences with an Evo model.

    Parameters
    ----------
    model
        The model, on its device and in its dtype: `from_settings` takes one of torch alone, but an
        `EvoForCausalLM`, with adapters or without, does as well.
    provenance
        What is known of it.
    """

    def __init__(self, model: Hyena, provenance: Provenance) -> None:
        self.model = model.eval()
        self.provenance = provenance
        self.memory: MemoryClaim | None = None
        free = free_memory(model.device)
        if free is not None:
            model.backbone.filter_cache.max_bytes = free // 4

    @classmethod
    def from_settings(
        cls, model: ModelSettings, *, shared: str | None = None, phases: Phases = silent
    ) -> Self:
        """Load the model that the settings name.

        Parameters
        ----------
        model
            The settings.
        shared, phases
            As `load_model` has them.

        Raises
        ------
        InputError
            If the checkpoint is not there or not sound, or the device has too little memory.
        """
        device = choose_device(model.device)
        dtype = choose_dtype(model.dtype, device)
        loaded = load_model(model, device, dtype, shared=shared, phases=phases)
        provenance = Provenance(
            checkpoint=model.checkpoint,
            revision=loaded.commit,
            layer=model.embedding.layers or model.embedding.layer,
            tokens=model.embedding.tokens,
            dtype=str(dtype).removeprefix("torch."),
            device=device_name(device),
            tokens_per_batch=model.tokens_per_batch,
            versions={"evoflow": __version__}
            | {name: version(name) for name in ("numpy", "torch")},
            weights=loaded.model.weights_identity,
        )
        logger.info("%s runs on %s in %s", model.checkpoint, provenance.device, provenance.dtype)
        embedder = cls(loaded.model, provenance)
        embedder.memory = loaded.memory
        return embedder

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
        """Embed sequences.

        Parameters
        ----------
        sequences
            Letters A, C, G, T and N; lower case counts as upper case.
        layer
            A name as `evoflow.settings.layer_names` describes them; only the blocks that it
            needs run.
        tokens
            `all`, `mean`, or a window around the allele.
        offsets
            0-based index of each allele's first base, for a window; default: the middle.
        stored_dtype
            Type of the values.
        filled
            Whether to fill the last batch with padding, so that, to the last bit, the result of a
            sequence does not depend on the others of its length. It takes up to one batch more.
        progress
            Called with the number of sequences done and of all.

        Raises
        ------
        InputError
            For a sequence that is empty, too long, too short for the window or has other letters;
            for a layer that the model lacks; for results that are not finite.
        """
        stream = self.stream(
            sequences,
            layers=[layer],
            tokens=tokens,
            offsets=offsets,
            stored_dtype=stored_dtype,
            filled=filled,
        )
        width = self.width(layer)
        rows = max((kept.num_tokens for kept in stream.spans), default=0)
        values = np.zeros((len(sequences), rows, width), dtype=stored_dtype)
        log_likelihood = np.full(len(sequences), np.nan, dtype=np.float32)
        for done, result in enumerate(stream, start=1):
            (kept,) = result.values
            values[result.index, : len(kept)] = kept
            log_likelihood[result.index] = result.log_likelihood
            if progress is not None:
                progress(done, len(sequences))
        report = report_of(stream.work, len(sequences))
        provenance = replace(self.provenance, layer=layer, tokens=tokens)
        return Embeddings(values, log_likelihood, report, provenance)

    def stream(
        self,
        sequences: Sequence[str],
        *,
        layers: Sequence[Layer],
        tokens: Tokens,
        offsets: Sequence[int] | None = None,
        stored_dtype: Literal["float16", "float32"] = "float16",
        filled: bool = False,
        names: Sequence[str] | None = None,
    ) -> EmbeddingStream:
        """Check sequences as `embed` does, and return what yields their results one by one.

        Each has the values of all `layers`, from one pass. Problems call a sequence by its name,
        or else by its 0-based index.
        """
        for layer in layers:
            self.width(layer)
        if isinstance(sequences, str):
            raise InputError("sequences is a single text: put it into a list")
        # By position: a column of a table would be asked by its labels.
        places = [None] * len(sequences) if offsets is None else list(offsets)
        if len(places) != len(sequences):
            raise InputError(f"{len(places)} offsets for {len(sequences)} sequences")
        if names is None:
            names = [f"sequence {index}" for index in range(len(sequences))]
        spans: list[Span] = []
        problems: list[str] = []
        for name, sequence, offset in zip(names, sequences, places, strict=True):
            try:
                self._check(sequence)
                spans.append(span(tokens, len(sequence), offset))
            except InputError as error:
                problems.append(f"{name} {error}")
        if problems:
            more = len(problems) - 10
            raise InputError(problems[:10] + ([f"and {more} more"] if more > 0 else []))
        return EmbeddingStream(
            self.model,
            sequences,
            spans,
            names,
            layers=layers,
            stored_dtype=stored_dtype,
            tokens_per_batch=self.provenance.tokens_per_batch,
            filled=filled,
        )

    def width(self, layer: Layer) -> int:
        """Return the values per token of a layer.

        Raises
        ------
        InputError
            If the model has no such layer.
        """
        try:
            return self.model.width(layer)
        except InputError as error:
            raise InputError(
                f"model.embedding.layer: {self.provenance.checkpoint}: {error}"
            ) from error

    def _check(self, sequence: object) -> None:
        if not isinstance(sequence, str):
            raise InputError(f"is {sequence!r}, not text")
        if not sequence:
            raise InputError("is empty")
        unknown = unknown_letter(sequence)
        if unknown is not None:
            index, letter = unknown
            raise InputError(f"has {letter!r} at base {index + 1}; only {ALPHABET} are known")
        longest = self.model.config.max_seqlen
        if len(sequence) > longest:
            raise InputError(
                f"has {len(sequence)} bases; {self.provenance.checkpoint} takes {longest} at most"
            )
