"""The whole flow with its artifacts and its cache of embeddings on S3."""

import numpy as np
import pytest

from evoflow.embed.objects import open_objects
from evoflow.embed.store import EmbeddingStore, Stored, sequence_key
from evoflow.errors import InputError
from tests.flow.conftest import AWS, BUCKET, s3_client


def keys_under(url, prefix):
    pages = s3_client(url).get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def test_the_flow_runs_with_its_artifacts_on_s3(undisturbed, s3_url):
    assert undisturbed["successful"]
    assert undisturbed["shards"] == list(range(len(undisturbed["shards"])))
    assert len(undisturbed["shards"]) > 1
    assert "head" in undisturbed["metrics"]["all"]
    keys = keys_under(s3_url, f"metaflow/EvoFlow/{undisturbed['run_id']}/")
    assert {key.split("/")[3] for key in keys} >= {"start", "extract", "embed", "train", "end"}
    assert keys_under(s3_url, "metaflow/EvoFlow/data/")


def test_the_flow_keeps_its_embeddings_in_the_cache(undisturbed, s3_url):
    assert all(misses > 0 for misses in undisturbed["misses"])
    kinds = {key.split("/")[2] for key in keys_under(s3_url, "embeddings/")}
    assert kinds == {"recipe.json", "data", "index"}


@pytest.fixture
def store_on_s3(s3_url, monkeypatch):
    """Open the store of a recipe on the S3 server."""
    for name, value in (AWS | {"METAFLOW_S3_ENDPOINT_URL": s3_url}).items():
        monkeypatch.setenv(name, value)

    def opened(recipe):
        objects = open_objects(f"s3://{BUCKET}/some/prefix")
        return EmbeddingStore(objects, {"weights": recipe}, "float16", 4)

    return opened


def stored(name):
    values = np.full((3, 4), len(name), np.float16)
    return Stored(sequence_key(name, None), values, -1.5)


def test_a_store_on_s3_gives_back_what_it_got(store_on_s3):
    many = [stored("A" * n) for n in range(1, 6)]
    store_on_s3("kept").add(many)
    store = store_on_s3("kept")
    found = {one.key: one for one in store.find({one.key: 3 for one in many[1:3]})}
    assert set(found) == {one.key for one in many[1:3]}
    np.testing.assert_array_equal(found[many[2].key].values, many[2].values)
    assert store.use.bytes_read == 2 * 3 * 4 * 2


@pytest.mark.parametrize("damage", ["deleted", "emptied"])
def test_damage_on_s3_is_noticed(store_on_s3, s3_url, damage):
    one = stored("A")
    store = store_on_s3(damage)
    store.add([one])
    (key,) = keys_under(s3_url, f"some/prefix/{store.folder}/data/")
    if damage == "deleted":
        s3_client(s3_url).delete_object(Bucket=BUCKET, Key=key)
    else:
        s3_client(s3_url).put_object(Bucket=BUCKET, Key=key, Body=b"")
    again = store_on_s3(damage)
    assert list(again.find({one.key: 3})) == []
    assert again.use.corrupt == 1


@pytest.mark.usefixtures("store_on_s3")
def test_a_bucket_that_is_not_there_is_an_input_error():
    with pytest.raises(InputError, match=r"compute\.embedding_cache: s3://nowhere/x cannot be"):
        open_objects("s3://nowhere/x")
