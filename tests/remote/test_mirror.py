"""A local copy of a remote file is whole where it is filled, whatever happens on the way."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import boto3
import pytest

from evoflow.errors import InputError
from evoflow.remote import mirror
from tests.remote.faults import BUCKET


def test_an_interrupted_download_goes_on_where_it_stopped(bucket, faults):
    content = os.urandom(200 * 1024)
    bucket.put_object(Bucket=BUCKET, Key="large", Body=content, ACL="public-read")
    copy = mirror.Mirror.of(f"s3://{BUCKET}/large")
    copy.provide([(0, 90 * 1024)])
    assert copy.path.read_bytes() == content[: 90 * 1024] + bytes(110 * 1024)
    before = faults.served
    mirror.Mirror.of(f"s3://{BUCKET}/large").provide_whole()
    assert copy.path.read_bytes() == content
    assert faults.served - before == 110 * 1024


def test_a_signature_that_expired_gives_way_to_a_new_one(bucket, faults):
    bucket.put_object(Bucket=BUCKET, Key="large", ACL="public-read", Body=b"a" * 5000)
    base = f"{boto3.client('s3').meta.endpoint_url}/{BUCKET}/large"
    mirror.Mirror.of(f"{base}?signature=1").provide([(0, 1024)])
    copy = mirror.Mirror.of(f"{base}?signature=2")
    assert mirror.Mirror.at(str(copy.path)) == copy
    before = faults.served
    copy.provide_whole()
    assert faults.served - before == 5000 - 1024


def test_many_may_fetch_one_file_at_once(bucket, faults):
    faults.kinds = ("cut", "503", "reset")
    content = os.urandom(200 * 1024 + 7)
    bucket.put_object(Bucket=BUCKET, Key="large", Body=content, ACL="public-read")

    def fetch(_):
        copy = mirror.Mirror.of(f"s3://{BUCKET}/large")
        copy.provide_whole()
        return copy.path.read_bytes()

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(fetch, range(8))) == {content}


def test_a_file_that_changes_is_fetched_anew_and_never_mixed(bucket):
    put = partial(bucket.put_object, Bucket=BUCKET, Key="large", ACL="public-read")
    put(Body=b"a" * 5000)
    old = mirror.Mirror.of(f"s3://{BUCKET}/large")
    old.provide([(0, 1024)])
    put(Body=b"b" * 5000)
    with pytest.raises(InputError, match=r"large: has changed while it was read"):
        old.provide_whole()
    new = mirror.Mirror.of(f"s3://{BUCKET}/large")
    new.provide_whole()
    assert new.path.read_bytes() == b"b" * 5000


def test_content_unlike_its_checksum_is_refused_and_fetched_again(bucket):
    bucket.put_object(Bucket=BUCKET, Key="large", ACL="public-read", Body=b"a" * 5000)
    copy = mirror.Mirror.of(f"s3://{BUCKET}/large")
    copy.provide([(0, 1024)])
    with copy.path.open("r+b") as file:
        file.write(b"spoilt")
    with pytest.raises(InputError, match=r"large: its content does not have the checksum"):
        copy.provide_whole()
    copy.provide_whole()
    assert copy.path.read_bytes() == b"a" * 5000


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://host/genome.fa", "cannot be read; give a path, s3://"),
        ("s3://bucket", "cannot be read; give a path, s3://"),
        ("s3://Not_A_Bucket!/key", "is not an S3 address"),
        ("http://127.0.0.1:9/genome.fa", "the connection failed.*6 times in a row"),
    ],
)
def test_addresses_that_lead_nowhere(url, message, monkeypatch):
    monkeypatch.setattr(mirror, "_FIRST_PAUSE", 0.001)
    with pytest.raises(InputError, match=message):
        mirror.Mirror.of(url)


def test_empty_remote_file(bucket, faults):
    bucket.put_object(Bucket=BUCKET, Key="empty", ACL="public-read", Body=b"")
    with pytest.raises(InputError, match=r"s3://public/empty: is empty"):
        mirror.Mirror.of(f"s3://{BUCKET}/empty")
    faults.refused = {"/empty": 416}
    with pytest.raises(InputError, match=r"/empty: is empty"):
        mirror.Mirror.of(f"{boto3.client('s3').meta.endpoint_url}/empty")
