"""The whole flow with its artifacts on S3."""

from tests.flow.conftest import BUCKET, s3_client


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
