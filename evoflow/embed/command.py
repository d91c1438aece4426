"""A FASTA file to a file of embeddings: what `evoflow embed` does."""

import json
from dataclasses import asdict
from itertools import accumulate
from pathlib import Path

from evoflow.embed.embedder import Embedder, Provenance
from evoflow.embed.fasta import read_fasta
from evoflow.embed.tensor_file import new_tensors
from evoflow.progress import shown
from evoflow.settings import ModelSettings


def embed_fasta(settings: ModelSettings, fasta: Path, output: Path) -> Provenance:
    """Embed each sequence of a FASTA file; progress is drawn on standard error.

    The safetensors file holds `embeddings`, shape=(n, tokens, width), and `log_likelihood`,
    shape=(n,), in the order of the FASTA file. With `tokens: all`, `embeddings` has
    shape=(all tokens, width), one sequence after the other, and `lengths`, shape=(n,), says how
    many tokens each has. Its metadata holds `names`, a JSON list, and `provenance`, a JSON object.

    Raises
    ------
    InputError
        If a sequence or the model is not sound, or the output cannot be written.
    """
    records = read_fasta(fasta)
    embedder = Embedder.from_settings(settings)
    kept = settings.embedding
    stream = embedder.stream(
        [record.sequence for record in records],
        layer=kept.layer,
        tokens=kept.tokens,
        stored_dtype=kept.stored_dtype,
        names=[f"{fasta}:{record.line}: sequence {record.name}" for record in records],
    )
    lengths = [span.num_tokens for span in stream.spans]
    starts = [0, *accumulate(lengths)]
    width = embedder.width(kept.layer)
    ragged = kept.tokens == "all"
    shape = (starts[-1], width) if ragged else (len(records), lengths[0], width)
    tensors = {
        "embeddings": (str(kept.stored_dtype), shape),
        "log_likelihood": ("float32", (len(records),)),
    }
    if ragged:
        tensors["lengths"] = ("int64", (len(records),))
    metadata = {
        "names": json.dumps([record.name for record in records]),
        "provenance": json.dumps(asdict(embedder.provenance), default=dict),
    }
    with (
        new_tensors(output, tensors, metadata) as arrays,
        shown("embedding", "sequences") as advance,
    ):
        if ragged:
            arrays["lengths"][:] = lengths
        flat = arrays["embeddings"].reshape(-1, width)
        for done, result in enumerate(stream, start=1):
            flat[starts[result.index] : starts[result.index + 1]] = result.values
            arrays["log_likelihood"][result.index] = result.log_likelihood
            advance(done, len(records))
    return embedder.provenance
