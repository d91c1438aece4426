"""What tests of several modules share."""

import boto3
import pytest
from botocore.config import Config

from evoflow.remote import mirror
from tests.embed.loopback_s3 import ENVIRONMENT, LoopbackS3, serve


@pytest.fixture(scope="session")
def s3_server():
    """An S3 server with a bucket `lab`, and its address."""
    application = LoopbackS3()
    with serve(application) as url:
        client = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )
        client.create_bucket(Bucket="lab")
        yield application, url


@pytest.fixture
def s3(s3_server, monkeypatch):
    """The S3 server as everything that reads the environment sees it; failing costs no time."""
    application, url = s3_server
    for name, value in (ENVIRONMENT | {"METAFLOW_S3_ENDPOINT_URL": url}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(mirror.time, "sleep", lambda _: None)
    application.failures, application.method, application.asked = [], "GET", []
    return application
