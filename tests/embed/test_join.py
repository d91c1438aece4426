"""The join of shards: in their order, and of one model only."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from evoflow.embed.join import join_shards
from evoflow.embed.results import Provenance
from evoflow.embed.store.datastore import Datastore
from evoflow.embed.store.handle import EmbeddingWriter
from evoflow.embed.store.parts import Background
from evoflow.errors import InputError
from evoflow.settings import ModelSettings

MADE = Provenance("ck", "c0ffee", "final", "mean", "bfloat16", "A100", 64, {}, weights="aaaa")


@pytest.fixture
def tasks(tmp_path):
    """Three tasks whose two sequences each have the embedding [number] and [number + 0.5]."""

    def task(number):
        datastore = Datastore("local", str(tmp_path), "EvoFlow")
        with Background() as background:
            writer = EmbeddingWriter(datastore, f"run/{number}", (2, 1, 1), "float16", background)
            for row in range(2):
                writer.put(row, np.float16([[number + row / 2]]))
            return SimpleNamespace(
                shard=number,
                embeddings=writer.finish(),
                log_likelihood=np.float32([-number, -number - 0.5]),
                provenance=MADE,
            )

    return [task(number) for number in range(3)]


def test_shards_are_joined_in_their_order_whichever_way_the_tasks_come(tasks):
    joined = join_shards([tasks[2], tasks[0], tasks[1]], ModelSettings())
    (load,) = joined.layers.values()
    assert load().ravel().tolist() == [0, 0.5, 1, 1.5, 2, 2.5]
    assert joined.log_likelihood.tolist() == [0, -0.5, -1, -1.5, -2, -2.5]
    assert joined.provenance == MADE


def test_each_of_several_layers_is_loaded_by_itself(tasks):
    for task, other in zip(tasks, reversed(tasks), strict=True):
        task.layers = {2: task.embeddings, "final": other.embeddings}
    for task in tasks:
        task.embeddings = task.layers
    joined = join_shards(tasks, ModelSettings(embedding={"layers": [2, "final"]}))
    assert joined.layers[2]().ravel().tolist() == [0, 0.5, 1, 1.5, 2, 2.5]
    assert joined.layers["final"]().ravel().tolist() == [2, 2.5, 1, 1.5, 0, 0.5]


def test_a_shard_of_another_model_is_refused(tasks):
    tasks[1].provenance = replace(MADE, weights="bbbb")
    with pytest.raises(InputError, match="shard 1 was embedded by weights bbbb"):
        join_shards(tasks, ModelSettings())
