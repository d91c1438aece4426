"""The cache of embeddings on S3."""

import numpy as np
import pytest

from evoflow.embed.objects.places import open_objects
from evoflow.embed.store.cache import EmbeddingCache
from evoflow.embed.store.segments import sequence_key
from evoflow.errors import InputError
from tests.flow.conftest import AWS, BUCKET, keys_under, s3_client


@pytest.fixture
def cache_on_s3(s3_url, monkeypatch):
    """Open the cache of a recipe on the S3 server."""
    for name, value in (AWS | {"METAFLOW_S3_ENDPOINT_URL": s3_url}).items():
        monkeypatch.setenv(name, value)

    def opened(recipe):
        objects = open_objects(f"s3://{BUCKET}/some/prefix")
        return EmbeddingCache(objects, {"weights": recipe}, "float16", 4)

    return opened


KEYS = [sequence_key("A" * number, None) for number in range(5)]
VALUES = np.arange(5 * 3 * 4, dtype=np.float16).reshape(5, 3, 4)


def found_in(cache, keys):
    return cache.read(cache.find(keys), 3)


def test_a_cache_on_s3_gives_back_what_it_got(cache_on_s3):
    cache_on_s3("kept").add(KEYS, VALUES, np.float32([-1.5] * 5))
    cache = cache_on_s3("kept")
    found = found_in(cache, KEYS[1:3])
    assert set(found) == set(KEYS[1:3])
    np.testing.assert_array_equal(found[KEYS[2]].values, VALUES[2])
    assert cache.use.bytes_read == 2 * 3 * 4 * 2


@pytest.mark.parametrize("damage", ["deleted", "emptied"])
def test_damage_on_s3_is_noticed(cache_on_s3, s3_url, damage):
    cache = cache_on_s3(damage)
    cache.add(KEYS[:1], VALUES[:1], np.float32([-1.5]))
    (key,) = keys_under(s3_url, f"some/prefix/{cache.folder}/data/")
    if damage == "deleted":
        s3_client(s3_url).delete_object(Bucket=BUCKET, Key=key)
    else:
        s3_client(s3_url).put_object(Bucket=BUCKET, Key=key, Body=b"")
    again = cache_on_s3(damage)
    assert found_in(again, KEYS[:1]) == {}
    assert again.use.corrupt == 1


@pytest.mark.usefixtures("cache_on_s3")
def test_a_bucket_that_is_not_there_is_an_input_error():
    with pytest.raises(InputError, match=r"compute\.embedding_cache: s3://nowhere/x cannot be"):
        open_objects("s3://nowhere/x")
