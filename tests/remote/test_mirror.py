"""A local copy of a remote file is whole where it is filled, whatever happens on the way."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler
from threading import Lock
from time import sleep

import boto3
import pytest

from evoflow.errors import InputError
from evoflow.remote import mirror
from evoflow.remote.answers import TransientError
from tests.remote.faults import BUCKET, serving

CONTENT = os.urandom(100 * 1024 + 7)


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.setenv("EVOFLOW_CACHE", str(tmp_path))
    monkeypatch.setattr(mirror, "_FIRST_PAUSE", 0.001)
    monkeypatch.setattr(mirror, "BLOCK", 1 << 10)


@contextmanager
def served(answer):
    """Serve a file by `answer`: from the number of the request, start and stop to the answer.

    That is the bytes, the headers, and how many of the bytes are sent before the connection ends.
    """
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            start, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
            requests.append(start)
            body, headers, sent = answer(len(requests), start, last + 1)
            self.send_response(206 if "Content-Range" in headers else 200)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[:sent])

        def log_message(self, *_):
            pass

    with serving(Handler) as url:
        yield f"{url}/large", requests


def part(content, start, stop):
    """Answer with a part of a file that has no version."""
    body = content[start:stop]
    stated = f"bytes {start}-{start + len(body) - 1}/{len(content)}"
    return body, {"Content-Range": stated}, None


def whole(sent=None):
    return CONTENT, {"Content-Length": str(len(CONTENT))}, sent


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
        ("http://127.0.0.1:9/genome.fa", "connection failed.*Connection refused.*6 times"),
    ],
)
def test_addresses_that_lead_nowhere(url, message, monkeypatch):
    monkeypatch.setattr(mirror, "_FIRST_PAUSE", 0.001)
    with pytest.raises(InputError, match=message):
        mirror.Mirror.of(url)


@pytest.mark.usefixtures("small")
def test_a_whole_answer_of_no_bytes_is_an_empty_file():
    with (
        served(lambda *_: (b"", {"Content-Length": "0"}, None)) as (url, _),
        pytest.raises(InputError, match=r"/large: is empty; give a complete file"),
    ):
        mirror.Mirror.of(url)


def test_empty_remote_file(bucket, faults):
    bucket.put_object(Bucket=BUCKET, Key="empty", ACL="public-read", Body=b"")
    with pytest.raises(InputError, match=r"s3://public/empty: is empty"):
        mirror.Mirror.of(f"s3://{BUCKET}/empty")
    faults.refused = {"/empty": 416}
    with pytest.raises(InputError, match=r"/empty: is empty"):
        mirror.Mirror.of(f"{boto3.client('s3').meta.endpoint_url}/empty")


@pytest.mark.usefixtures("small")
def test_a_server_without_ranges_is_asked_once():
    with served(lambda *_: whole()) as (url, requests):
        copy = mirror.Mirror.of(url)
        copy.provide_whole()
    assert copy.path.read_bytes() == CONTENT
    assert len(requests) == 2  # of which one is for the size


@pytest.mark.usefixtures("small")
def test_a_server_without_ranges_is_asked_again_where_its_answer_was_cut_short():
    with served(lambda number, *_: whole(60 * 1024 if number == 2 else None)) as (url, requests):
        copy = mirror.Mirror.of(url)
        copy.provide([(0, 10), (90 * 1024, 100 * 1024)])
    assert copy.path.read_bytes() == CONTENT
    assert len(requests) == 3


@pytest.mark.usefixtures("small")
def test_a_server_that_answers_one_request_at_a_time_gives_the_file_all_the_same(monkeypatch):
    monkeypatch.setattr(mirror, "_BLOCKS_AT_ONCE", 2)
    serves, refused = Lock(), []

    class OneAtATime(BaseHTTPRequestHandler):
        def do_GET(self):
            start, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
            if not serves.acquire(blocking=False):
                refused.append(start)
                self.send_response(503)
                self.end_headers()
                return
            body, headers, _ = part(CONTENT, start, last + 1)
            self.send_response(206)
            self.send_header("Content-Range", headers["Content-Range"])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            sleep(0.02 if len(body) > 1 else 0)
            serves.release()  # before the client has it all and asks again
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with serving(OneAtATime) as url:
        copy = mirror.Mirror.of(f"{url}/large")
        copy.provide_whole()
    assert copy.path.read_bytes() == CONTENT
    assert refused


@pytest.mark.usefixtures("small")
def test_a_file_without_a_version_that_grows_is_never_mixed():
    later = os.urandom(len(CONTENT) + 500)
    with (
        served(lambda number, *ends: part(CONTENT if number < 3 else later, *ends)) as (url, _),
        pytest.raises(InputError, match="has changed while it was read; start again"),
    ):
        mirror.Mirror.of(url).provide_whole()


@pytest.mark.usefixtures("small")
def test_bytes_beyond_those_announced_are_refused():
    def longer(_, start, stop):
        body, headers, sent = part(CONTENT, start, stop)
        return body + b"x", headers, sent

    with served(longer) as (url, _):
        copy = mirror.Mirror.of(url)
        with pytest.raises(InputError, match="sends more bytes than it announces"):
            copy.provide([(0, 1024)])
    assert copy.path.stat().st_size == len(CONTENT)
    assert not any((copy.path.parent / ".blocks").read_bytes())


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "name", ["n" * 300 + ".vcf.gz", "\u00e9" * 140 + ".vcf.gz", ".blocks", ".."]
)
def test_a_name_that_the_disk_does_not_take_is_made_one(name):
    with served(lambda *_: whole()) as (url, _):
        copy = mirror.Mirror.of(url.replace("large", name))
        copy.provide_whole()
    assert copy.path.read_bytes() == CONTENT
    assert copy.path.name.endswith(".vcf.gz") == name.endswith(".vcf.gz")


def test_the_pause_that_a_server_asks_for_is_kept_up_to_two_minutes(monkeypatch):
    pauses, waits = [], iter([0, 30, 3600, -5])

    def busy():
        for wait in waits:
            raise TransientError("busy", wait)
        return "done"

    monkeypatch.setattr(mirror.time, "sleep", pauses.append)
    assert mirror.persist(busy, "https://lab.org/b.bam") == "done"
    assert pauses == [0.5, 30, 120, 4]
