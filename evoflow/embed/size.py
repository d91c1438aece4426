"""How many bytes an embedding takes, known before a model is loaded."""

import numpy as np

from evoflow.embed.hyena.sizes import Sizes
from evoflow.embed.pooling import span
from evoflow.embed.weights.builtin import builtin_config
from evoflow.settings import ModelSettings
from evoflow.settings.layer_names import resolve_layer


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
    config = _config(model)
    wish = model.embedding
    kinds = [resolve_layer(layer, config.num_layers).kind for layer in wish.stored_layers]
    width = sum(config.vocab_size if kind == "logits" else config.hidden_size for kind in kinds)
    tokens = span(wish.tokens, length, None).num_tokens
    return int(tokens * width * np.dtype(wish.stored_dtype).itemsize)


def _config(model: ModelSettings) -> Sizes:
    """Read the configuration; torch is not needed for models of evoflow's own."""
    builtin = builtin_config(model.checkpoint)
    if builtin is not None:
        return builtin

    from evoflow.embed.evo2.checkpoint import find_checkpoint
    from evoflow.embed.weights.architectures import read_config

    return read_config(find_checkpoint(model.checkpoint, model.revision, files=["config.json"]))
