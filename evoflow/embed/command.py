"""A FASTA file to a file of embeddings: what `evoflow embed` does."""

import json
import logging
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from itertools import accumulate
from pathlib import Path
from stat import S_IMODE
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from evoflow.devices.claims import claimed_device
from evoflow.embed.embedder import Embedder
from evoflow.embed.fasta import Record, read_fasta
from evoflow.embed.results import Provenance
from evoflow.files.atomic import new_file
from evoflow.progress import shown
from evoflow.settings import EmbeddingSettings, ModelSettings

logger = logging.getLogger(__name__)


def embed_fasta(settings: ModelSettings, fasta: Path, output: Path) -> Provenance:
    """Embed each sequence of a FASTA file; progress is drawn on standard error.

    A GPU is this process's alone meanwhile: beside a run, it waits until one is free.

    The safetensors file holds `embeddings`, shape=(n, tokens, width), and `log_likelihood`,
    shape=(n,), in the order of the FASTA file. With `tokens: all`, `embeddings` has
    shape=(all tokens, width), one sequence after the other, and `lengths`, shape=(n,), says how
    many tokens each has. Of several layers there is an `embeddings.LAYER` each. Its metadata holds
    `names`, a JSON list, and `provenance`, a JSON object.

    Raises
    ------
    InputError
        If a sequence or the model is not sound, or the output cannot be written.
    """
    records = read_fasta(fasta)
    if settings.embedding.strands == "both":
        logger.warning("embeds each sequence as it is written: model.embedding.strands is for runs")
    names = [f"{fasta}:{record.line}: sequence {record.name}" for record in records]
    with claimed_device(settings.device) as device:
        model = settings.model_copy(update={"device": str(device)})
        # Named nowhere, so that it leaves the device on return.
        return _embed(
            Embedder.from_settings(model, phases=shown), records, names, settings.embedding, output
        )


def _embed(
    embedder: Embedder,
    records: Sequence[Record],
    names: Sequence[str],
    kept: EmbeddingSettings,
    output: Path,
) -> Provenance:
    """Embed with a model that is loaded; messages call a sequence by its name in `names`."""
    stream = embedder.stream(
        [record.sequence for record in records],
        layers=kept.stored_layers,
        tokens=kept.tokens,
        stored_dtype=kept.stored_dtype,
        names=names,
    )
    lengths = [span.num_tokens for span in stream.spans]
    ragged = kept.tokens == "all"
    log_likelihood = np.empty(len(records), np.float32)
    with new_file(output) as beside, ExitStack() as files:
        layers = [
            _Rows(files, beside, lengths, embedder.width(layer), kept.stored_dtype)
            for layer in kept.stored_layers
        ]
        with shown("embedding", "sequences") as advance:
            for done, result in enumerate(stream, start=1):
                for layer, values in zip(layers, result.values, strict=True):
                    layer.write(result.index, values)
                log_likelihood[result.index] = result.log_likelihood
                advance(done, len(records))
        keys = [f"embeddings.{layer}" for layer in kept.layers] or ["embeddings"]
        tensors = {key: layer.read(ragged=ragged) for key, layer in zip(keys, layers, strict=True)}
        if ragged:
            tensors["lengths"] = np.array(lengths)
        save_file(
            {**tensors, "log_likelihood": log_likelihood},
            beside,
            metadata={
                "names": json.dumps([record.name for record in records]),
                "provenance": json.dumps(asdict(embedder.provenance), default=dict),
            },
        )
        beside.chmod(layers[0].mode)  # `save_file` leaves a file that nobody else may read
    return embedder.provenance


class _Rows:
    """The embeddings of one layer, in a file without a name, so that they need no memory."""

    def __init__(
        self, files: ExitStack, path: Path, lengths: Sequence[int], width: int, dtype: str
    ) -> None:
        self._file = files.enter_context(path.open("w+b"))
        path.unlink()
        self.mode = S_IMODE(os.fstat(self._file.fileno()).st_mode)
        self._dtype = np.dtype(dtype)
        self._width = width
        self._starts = [0, *accumulate(lengths)]

    def write(self, index: int, values: NDArray[np.floating]) -> None:
        """Keep one sequence's embedding."""
        self._file.seek(self._starts[index] * self._width * self._dtype.itemsize)
        self._file.write(np.ascontiguousarray(values).data)

    def read(self, *, ragged: bool) -> NDArray[Any]:
        """Return all of them: one token after the other where `ragged`, else by sequence."""
        self._file.flush()
        shape = (self._starts[-1], self._width)
        values = np.memmap(self._file, self._dtype, "r", shape=shape)
        return values if ragged else values.reshape(len(self._starts) - 1, -1, self._width)
