"""How many bytes an embedding takes, known before a model is loaded."""

import numpy as np

from evoflow.embed.evo import find_checkpoint, read_config
from evoflow.embed.evo1.tiny import TINY, evo_tiny_config
from evoflow.embed.pooling import span
from evoflow.layers import resolve_layer
from evoflow.settings import ModelSettings


def bytes_per_sequence(model: ModelSettings, length: int) -> int:
    """Return the bytes of one sequence's embedding.

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
    config = (
        evo_tiny_config()
        if model.checkpoint == TINY
        else read_config(find_checkpoint(model.checkpoint, model.revision, files=["config.json"]))
    )
    wish = model.embedding
    logits = resolve_layer(wish.layer, config.num_layers).kind == "logits"
    width = config.vocab_size if logits else config.hidden_size
    tokens = span(wish.tokens, length, None).num_tokens
    return int(tokens * width * np.dtype(wish.stored_dtype).itemsize)
