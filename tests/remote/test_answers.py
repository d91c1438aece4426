import ssl
import time

import pytest

from evoflow.errors import InputError
from evoflow.remote.answers import (
    TransientError,
    UnavailableError,
    broken_connection,
    refusal,
    stretch,
)


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (503, TransientError, "the server answers 503"),
        (404, UnavailableError, "there is no such file"),
        (403, UnavailableError, "no permission, or no such file"),
        (416, InputError, "is empty, or has become shorter while it was read"),
        (418, InputError, "the server answers 418; check the URL"),
    ],
)
def test_a_status_says_what_to_do(status, kind, said):
    error = refusal("https://lab.org/b.bam", status)
    assert type(error) is kind
    assert said in str(error)


@pytest.mark.parametrize(
    ("retry_after", "wait"), [("", 0), ("30", 30), ("Thu, 01 Jan 1970 00:01:00 GMT", 50), ("x", 0)]
)
def test_a_busy_server_says_for_how_long(retry_after, wait, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 10.0)
    assert refusal("https://lab.org/b.bam", 503, retry_after).wait == wait


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (206, {"content-length": "3", "content-range": "bytes 4-6/10"}, (10, 4, 7)),
        (200, {"content-length": "10"}, (10, 0, 10)),
    ],
)
def test_the_headers_say_which_bytes_come_of_how_many(status, headers, expected):
    assert stretch("https://lab.org/b.bam", 4, status, headers) == expected


@pytest.mark.parametrize(
    "stated", ["", "bytes 0-6/10", "bytes 4-6/*", "bytes 4-10/10", "bytes 4-3/10", "4-6/10"]
)
def test_other_bytes_than_those_asked_for_are_refused(stated):
    with pytest.raises(
        InputError, match=r"b\.bam: .* from 4 on and answers 206 with Content-Range"
    ):
        stretch("https://lab.org/b.bam", 4, 206, {"content-length": "7", "content-range": stated})


def test_a_file_of_unknown_size_is_refused():
    with pytest.raises(InputError, match="does not state its size; download it"):
        stretch("https://lab.org/b.bam", 4, 200, {})


def test_a_certificate_that_is_not_trusted_will_not_be_the_next_time():
    cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
    cause.verify_message = "self-signed certificate in certificate chain"
    error = OSError("Max retries exceeded")
    error.__context__ = cause
    found = broken_connection("https://lab.org/b.bam", error)
    assert type(found) is InputError
    assert "not trusted (self-signed certificate in certificate chain)" in str(found)
    assert "REQUESTS_CA_BUNDLE" in str(found)


def test_a_connection_that_fails_says_why():
    error = OSError("Max retries exceeded")
    error.__cause__ = OSError("Name or service not known")
    found = broken_connection("https://lab.org/b.bam", error)
    assert type(found) is TransientError
    assert str(found) == "the connection failed (OSError: Name or service not known)"


@pytest.mark.parametrize("content", [None, ""])
def test_a_file_of_certificates_that_holds_none_is_told_of(tmp_path, content):
    path = tmp_path / "authority.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(OSError) as caught:  # noqa: PT011 - what ssl raises is what is tested
        ssl.create_default_context(cafile=path)
    found = broken_connection("https://lab.org/b.bam", caught.value)
    assert type(found) is InputError
    assert "certificates is missing or holds none; check REQUESTS_CA_BUNDLE" in str(found)
