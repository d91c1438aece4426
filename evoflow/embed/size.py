"""How many bytes an embedding takes, known before a model is loaded."""

from dataclasses import dataclass

import numpy as np

from evoflow.embed.pooling import span
from evoflow.embed.weights.builtin import builtin_sizes
from evoflow.settings import ModelSettings
from evoflow.settings.layer_names import resolve_layer

VOCABULARY = 512
"""Of every Evo model: bytes, and room for more."""


def bytes_per_sequence(model: ModelSettings, length: int) -> int:
    """Return the bytes of one sequence's embeddings, of all layers that are stored.

    Parameters
    ----------
    model
        Checkpoint, of which no more than `config.json` is fetched, and what is stored.
    length
        Bases of the sequence.

    Raises
    ------
    InputError
        If there is no such checkpoint, or the sequence is too short for the window.
    """
    sizes = _sizes(model)
    wish = model.embedding
    kinds = [resolve_layer(layer, sizes.num_layers).kind for layer in wish.stored_layers]
    width = sum(sizes.vocab_size if kind == "logits" else sizes.hidden_size for kind in kinds)
    tokens = span(wish.tokens, length, None).num_tokens
    return int(tokens * width * np.dtype(wish.stored_dtype).itemsize)


@dataclass(frozen=True)
class _Sizes:
    hidden_size: int
    num_layers: int
    vocab_size: int


def _sizes(model: ModelSettings) -> _Sizes:
    """Read what decides the width of a layer; torch is not needed for models of evoflow's own."""
    builtin = builtin_sizes(model.checkpoint)
    if builtin is not None:
        vocabulary = builtin.get("vocab_size", VOCABULARY)
        return _Sizes(builtin["hidden_size"], builtin["num_layers"], vocabulary)

    from evoflow.embed.evo2.checkpoint import find_checkpoint
    from evoflow.embed.weights.architectures import read_config

    config = read_config(find_checkpoint(model.checkpoint, model.revision, files=["config.json"]))
    return _Sizes(config.hidden_size, config.num_layers, config.vocab_size)
