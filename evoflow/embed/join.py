"""The join of all shards, of one model: what `train` reads, without the libraries that embed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evoflow.embed.results import Provenance
from evoflow.embed.store.handle import StoredEmbeddings, join
from evoflow.errors import InputError
from evoflow.settings import ModelSettings
from evoflow.settings.layer_names import Layer

COMPARED = ("weights", "revision", "dtype")
"""What may differ between machines, or after a resume, and makes other embeddings."""


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


def require_same_model(shards: Sequence[Provenance]) -> None:
    """Refuse shards that were embedded by other weights, revision or dtype than most are.

    Parameters
    ----------
    shards
        What made each shard, in their order.

    Raises
    ------
    InputError
        Naming each shard that differs, and how.
    """
    made = [tuple(_shown(shard, key) for key in COMPARED) for shard in shards]
    usual = max(dict.fromkeys(made), key=made.count)
    other = made.index(usual)
    problems = [
        f"shard {number} was embedded by {_described(found, usual)}, shard {other} by "
        f"{_described(usual, found)}"
        for number, found in enumerate(made)
        if found != usual
    ]
    if problems:
        remedy = (
            "embeddings of different models cannot be mixed: put back the checkpoint (and, for "
            "another dtype, set model.dtype), then run `resume embed`, which embeds every shard "
            "again, or start a new run"
        )
        raise InputError([*problems, remedy])


def _shown(shard: Provenance, key: str) -> str:
    return f"{key} {getattr(shard, key, None) or 'unknown'}"


def _described(one: tuple[str, ...], other: tuple[str, ...]) -> str:
    return ", ".join(mine for mine, others in zip(one, other, strict=True) if mine != others)
