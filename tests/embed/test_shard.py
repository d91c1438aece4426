"""What a task of `embed` leaves is what the embedder gives, in the datastore."""

import numpy as np
import pandas as pd
import pytest

from evoflow.embed.embedder import Embedder
from evoflow.embed.shard import embed_shard
from evoflow.embed.store.datastore import Datastore
from evoflow.settings import load_settings

SEQUENCES = ["ACGTACGTTG", "TTGACCAGTA", "GGGTACCATC"]


@pytest.mark.parametrize("wish", [{"layer": "final"}, {"layers": [1, "final"]}])
def test_a_shard_is_stored_as_the_embedder_gives_it(tmp_path, wish):
    model = {"checkpoint": "evo-tiny", "device": "cpu"}
    kept = {"tokens": {"window": 4}, "stored_dtype": "float32"}
    settings = load_settings({"demo": {}}, {**model, "embedding": kept | wish}, {})
    told = []
    shard = embed_shard(
        pd.DataFrame({"sequence": SEQUENCES, "variant_offset": 5}),
        settings,
        tasks=1,
        datastore=Datastore("local", str(tmp_path), "EvoFlow"),
        task="EvoFlow/1/embed/2",
        progress=lambda done, total: told.append((done, total)),
    )
    embedder = Embedder.from_settings(settings.model)
    layers = wish.get("layers", ["final"])
    stored = shard.embeddings if "layers" in wish else {"final": shard.embeddings}
    assert list(stored) == layers
    for layer in layers:
        expected = embedder.embed(
            SEQUENCES,
            layer=layer,
            tokens=settings.model.embedding.tokens,
            offsets=[5] * 3,
            stored_dtype="float32",
            filled=True,
        )
        np.testing.assert_array_equal(stored[layer].numpy(), expected.values)
    np.testing.assert_array_equal(shard.log_likelihood, expected.log_likelihood)
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert shard.provenance.layer == (tuple(layers) if "layers" in wish else "final")
