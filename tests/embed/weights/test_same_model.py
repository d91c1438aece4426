from dataclasses import replace

import pytest

from evoflow.embed.results import Provenance
from evoflow.embed.weights.same_model import require_same_model
from evoflow.errors import InputError

MADE = Provenance("ck", "c0ffee", "final", "mean", "bfloat16", "A100", 64, {}, weights="aaaa")


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
