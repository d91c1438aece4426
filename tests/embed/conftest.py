"""What tests of several modules share."""

import random

import boto3
import huggingface_hub
import pytest
from botocore.config import Config
from huggingface_hub import constants

from evoflow.remote import mirror
from tests.embed import loopback_hub
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


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub on the loopback that Hugging Face's library takes for the real one.

    Its weights are half a megabyte.
    """
    weights = random.Random(0).randbytes(500_000)
    made = loopback_hub.LoopbackHub(
        {"config.json": b"{}", "model.safetensors": weights, "code.py": b"evil"}
    )
    with loopback_hub.serve(made) as url:
        # The library reads the environment when it is imported.
        monkeypatch.setattr(constants, "ENDPOINT", url)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(
            constants,
            "HUGGINGFACE_CO_URL_TEMPLATE",
            url + "/{repo_id}/resolve/{revision}/{filename}",
        )
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", False)
        yield made
        huggingface_hub.close_session()
