"""Who asks S3 for a file: nobody in particular first, then the user."""

import pytest
from botocore.client import BaseClient
from urllib3 import HTTPResponse
from urllib3.exceptions import SSLError

from evoflow.errors import InputError
from evoflow.remote import mirror
from tests.remote.faults import BUCKET


@pytest.fixture
def asked(bucket, monkeypatch):
    """Record each request: whether it was signed, and whether it says that the user pays."""
    requests = []
    call = BaseClient._make_api_call

    def record(client, operation, arguments):
        if client.meta.endpoint_url != bucket.meta.endpoint_url:
            signed = client.meta.config.signature_version != bucket_unsigned
            requests.append((signed, arguments.get("RequestPayer")))
        return call(client, operation, arguments)

    from botocore import UNSIGNED

    bucket_unsigned = UNSIGNED
    monkeypatch.setattr(BaseClient, "_make_api_call", record)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    return requests


def test_the_login_is_used_only_where_it_is_needed(bucket, faults, asked):
    faults.closed = {f"/{BUCKET}/closed"}
    bucket.put_object(Bucket=BUCKET, Key="open", ACL="public-read", Body=b"a")
    mirror.Mirror.of(f"s3://{BUCKET}/open").provide_whole()
    assert asked == [(False, None)] * 2
    asked.clear()
    bucket.put_object(Bucket=BUCKET, Key="closed", Body=b"b" * 5000)
    closed = mirror.Mirror.of(f"s3://{BUCKET}/closed")
    closed.provide_whole()
    assert closed.path.read_bytes() == b"b" * 5000
    assert asked == [(False, None), (True, None), (True, None)]


def test_every_request_says_that_the_user_pays(bucket, asked):
    bucket.put_object(Bucket=BUCKET, Key="paid", Body=b"a" * 5000)
    copy = mirror.Mirror.of(f"s3://{BUCKET}/paid", requester_pays=True)
    copy.provide([(0, 1)])
    again = mirror.Mirror.at(str(copy.path))
    again.provide_whole()
    assert again.path.read_bytes() == b"a" * 5000
    assert set(asked) == {(True, "requester")}


@pytest.mark.usefixtures("asked")
def test_a_refusal_says_what_the_bucket_may_want(faults):
    faults.refused = {f"/{BUCKET}/paid": 403}
    with pytest.raises(InputError, match=r"paid: .*403 with your AWS login.*requester_pays: true"):
        mirror.Mirror.of(f"s3://{BUCKET}/paid")


@pytest.mark.usefixtures("bucket")
def test_paying_needs_a_login(faults):
    faults.refused = {f"/{BUCKET}/paid": 403}
    with pytest.raises(InputError, match=r"paid: .*there is no AWS login.*`requester_pays`"):
        mirror.Mirror.of(f"s3://{BUCKET}/paid", requester_pays=True)


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (400, "ExpiredToken", "The provided token has expired."),
        (403, "RequestTimeTooSkewed", "The difference between the request time and the current"),
        (403, "AccessDenied", "User is not authorized to perform: kms:Decrypt"),
    ],
)
def test_a_refusal_has_the_reason_that_s3_gives(faults, status, code, words):
    faults.refused = {f"/{BUCKET}/kept": status}
    faults.reasons = {f"/{BUCKET}/kept": (code, words)}
    said = f"status {status} {code} with your AWS login: {words.rstrip('.')}"
    with pytest.raises(InputError, match=rf"kept: no permission.*{said}"):
        mirror.Mirror.of(f"s3://{BUCKET}/kept")


@pytest.mark.usefixtures("asked")
def test_an_archived_file_must_be_restored(faults):
    faults.refused = {f"/{BUCKET}/old.bam": 403}
    faults.reasons = {f"/{BUCKET}/old.bam": ("InvalidObjectState", "not valid for its class")}
    with pytest.raises(InputError, match=r"old\.bam: is archived \(Glacier\); restore it"):
        mirror.Mirror.of(f"s3://{BUCKET}/old.bam")


def test_a_damaged_record_of_tls_is_asked_for_again(bucket, monkeypatch):
    bucket.put_object(Bucket=BUCKET, Key="open", ACL="public-read", Body=b"a" * 5000)
    copy = mirror.Mirror.of(f"s3://{BUCKET}/open")
    read, damaged = HTTPResponse.read, []

    def read_later(response, *args, **options):
        if not damaged:
            damaged.append(response)
            raise SSLError("decryption failed or bad record mac")
        return read(response, *args, **options)

    monkeypatch.setattr(HTTPResponse, "read", read_later)
    copy.provide_whole()
    assert damaged
    assert copy.path.read_bytes() == b"a" * 5000
