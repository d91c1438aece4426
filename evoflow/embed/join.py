"""The join of all shards: what `train` reads, without the libraries that embed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evoflow.embed.results import Provenance
from evoflow.embed.store.handle import StoredEmbeddings, join
from evoflow.embed.weights.same_model import require_same_model
from evoflow.settings import ModelSettings
from evoflow.settings.layer_names import Layer


class ShardTask(Protocol):
    """The artifacts that a task of `embed` left."""

    shard: int
    embeddings: StoredEmbeddings | dict[Layer, StoredEmbeddings]
    log_likelihood: NDArray[np.float32]
    provenance: Provenance


@dataclass(frozen=True)
class JoinedShards:
    """The embeddings of all sequences.

    Attributes
    ----------
    layers
        For each layer that is stored, what loads its values, shape=(sequences, tokens, width).
    log_likelihood
        Of all sequences.
    provenance
        What made the first shard, and others like it.
    """

    layers: dict[Layer, Callable[[], NDArray[np.floating]]]
    log_likelihood: NDArray[np.float32]
    provenance: Provenance


def join_shards(tasks: Iterable[ShardTask], settings: ModelSettings) -> JoinedShards:
    """Join the shards, in whichever order their tasks come.

    Raises
    ------
    InputError
        When they were embedded by different models.
    """
    shards = sorted(tasks, key=lambda task: task.shard)
    require_same_model([task.provenance for task in shards])
    memory = int(settings.head.memory * 2**30)
    stored = [task.embeddings for task in shards]
    return JoinedShards(
        {
            layer: partial(
                join, [each[layer] if isinstance(each, dict) else each for each in stored], memory
            )
            for layer in settings.embedding.stored_layers
        },
        np.concatenate([task.log_likelihood for task in shards]),
        shards[0].provenance,
    )
