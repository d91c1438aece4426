"""Remote inputs, through a server that fails, give what the same files give from the disk."""

import shutil
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest
from moto.server import ThreadedMotoServer

from evoflow.errors import InputError
from evoflow.extract import mirror, preflight, sources
from evoflow.extract.examples import extract_examples
from evoflow.settings import DataSettings

from .faults import Faults, between
from .worlds import random_world

BUCKET = "public"
FILES = ("genome.fa", "clinvar.vcf.gz", "person.vcf.gz", "reads.bam")


@pytest.fixture(scope="module")
def moto_port():
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


@pytest.fixture
def local(tmp_path) -> DataSettings:
    """A small world's files, and settings that name them."""
    folder = tmp_path / "local"
    folder.mkdir()
    return random_world(7).write(folder, read_length=25, reads_per_variant=3, reference_loci="all")


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def s3(local, moto_port, faults, tmp_path, monkeypatch):
    """The world in a bucket, behind a server with faults; yields the bucket's client."""
    monkeypatch.setenv("EVOFLOW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(mirror, "_FIRST_PAUSE", 0.001)
    monkeypatch.setattr(mirror, "BLOCK", 1 << 10)
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    sources._s3_clients.cache_clear()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{moto_port}",
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    client.create_bucket(Bucket=BUCKET, ACL="public-read")
    for path in Path(str(local.reference)).parent.iterdir():
        client.upload_file(str(path), BUCKET, path.name, ExtraArgs={"ACL": "public-read"})
    with between(moto_port, faults) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        yield client
    sources._s3_clients.cache_clear()
    for each in client.list_objects(Bucket=BUCKET).get("Contents", []):
        client.delete_object(Bucket=BUCKET, Key=each["Key"])
    client.delete_bucket(Bucket=BUCKET)


def at(local: DataSettings, base: str) -> DataSettings:
    """Name the same files below a URL."""
    reference, clinvar, variants, reads = (f"{base}/{name}" for name in FILES)
    (person,) = local.individuals
    moved = person.model_copy(update={"reads": reads, "variants": variants})
    files = {"reference": reference, "clinvar": clinvar, "individuals": (moved,)}
    return local.model_copy(update=files)


def assert_same(local: DataSettings, remote: DataSettings) -> None:
    assert preflight.check(remote).files["location"].str.contains("://").all()
    expected, found = (extract_examples(data, processes=1) for data in (local, remote))
    assert found.examples.equals(expected.examples)
    assert found.counts.equals(expected.counts)


@pytest.mark.parametrize("kinds", [(), ("busy",), ("reset",), ("cut",), ("cut", "busy", "reset")])
def test_s3_without_credentials_gives_the_local_result_despite_faults(local, s3, faults, kinds):
    faults.kinds = kinds
    assert_same(local, at(local, f"s3://{BUCKET}"))
    assert (faults.spoilt > 5) == bool(kinds)


def test_web_server_gives_the_local_result_despite_faults(local, s3, faults, monkeypatch):
    faults.kinds = ("cut", "busy", "reset")
    base = boto3.client("s3").meta.endpoint_url
    assert_same(local, at(local, f"{base}/{BUCKET}"))
    assert faults.spoilt > 5


def test_credentials_of_somebody_else_do_not_bar_public_files(local, s3, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    assert_same(local, at(local, f"s3://{BUCKET}"))
