"""A bucket behind a server that fails when it is told to."""

import boto3
import pytest
from moto.server import ThreadedMotoServer

from evoflow.remote import mirror, s3
from tests.remote.faults import BUCKET, Faults, between


@pytest.fixture(scope="session")
def moto_port():
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


def forget_clients() -> None:
    """Forget what the environment was like, as a new process would."""
    s3._client.cache_clear()
    s3._login_problem.cache_clear()
    s3._private.clear()


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def bucket(moto_port, faults, tmp_path, monkeypatch):
    """An empty public bucket; yields a client of its owner, whom the faults do not meet."""
    monkeypatch.setenv("EVOFLOW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(mirror, "_FIRST_PAUSE", 0.001)
    monkeypatch.setattr(mirror, "BLOCK", 1 << 10)
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    forget_clients()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{moto_port}",
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    client.create_bucket(Bucket=BUCKET, ACL="public-read")
    with between(moto_port, faults) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        yield client
    forget_clients()
    for each in client.list_objects(Bucket=BUCKET).get("Contents", []):
        client.delete_object(Bucket=BUCKET, Key=each["Key"])
    client.delete_bucket(Bucket=BUCKET)
