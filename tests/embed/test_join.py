"""The join of shards: in their order, and of one model only."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from evoflow.embed.join import join_shards, require_same_model
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


def test_shards_of_different_models_are_not_joined(tasks):
    tasks[1].provenance = replace(MADE, weights="bbbb")
    with pytest.raises(InputError, match="shard 1 was embedded by weights bbbb"):
        join_shards(tasks, ModelSettings())


def test_shards_of_one_model_pass_whatever_their_devices():
    require_same_model([MADE, replace(MADE, device="H100", tokens_per_batch=32), MADE])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"weights": "bbbb"}, "shard 1 was embedded by weights bbbb, shard 0 by weights aaaa"),
        ({"dtype": "float32"}, "shard 1 was embedded by dtype float32, shard 0 by dtype bf"),
        ({"revision": "beef"}, "by revision beef, shard 0 by revision c0ffee"),
        ({"weights": None}, "by weights unknown, shard 0 by weights aaaa"),
    ],
)
def test_a_shard_of_another_model_is_named(change, said):
    with pytest.raises(InputError) as error:
        require_same_model([MADE, replace(MADE, **change), MADE])
    shards = [problem for problem in error.value.problems if problem.startswith("shard")]
    assert len(shards) == 1
    assert said.removesuffix("bf") in shards[0]
    assert "resume embed" in error.value.problems[-1]


def test_each_shard_that_differs_is_named():
    other = replace(MADE, weights="bbbb", dtype="float32")
    with pytest.raises(InputError) as error:
        require_same_model([other, MADE, MADE, other, MADE])
    assert [problem.split(" was")[0] for problem in error.value.problems[:-1]] == [
        "shard 0",
        "shard 3",
    ]
