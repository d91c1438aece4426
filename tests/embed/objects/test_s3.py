"""S3 that fails: for a passing reason, and for good."""

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.httpsession import URLLib3Session

from evoflow.embed.objects.places import open_objects
from evoflow.errors import InputError
from tests.remote.logins import FAULTS, renewed_until

CONTENT = bytes(range(256)) * 8


@pytest.mark.parametrize(
    "failures",
    [
        [(503, "SlowDown")] * 5,
        [(500, "InternalError"), "cut", (503, "ServiceUnavailable")],
        ["cut"] * 5,
    ],
)
def test_what_passes_is_asked_again(s3, failures, tmp_path):
    objects = open_objects(f"s3://lab/{tmp_path.name}")
    objects.write("one", CONTENT)
    for read in (lambda: objects.read("one"), lambda: _filled(objects, "one")):
        s3.failures = list(failures)
        assert read() == CONTENT
        assert not s3.failures


def test_a_server_that_cannot_be_reached_for_a_moment_is_asked_again(s3, tmp_path, monkeypatch):
    objects = open_objects(f"s3://lab/{tmp_path.name}")
    unreachable = [1, 2, 3]
    send = URLLib3Session.send

    def send_later(session, request):
        if unreachable:
            unreachable.pop()
            reason = OSError("Temporary failure in name resolution")
            raise EndpointConnectionError(endpoint_url=request.url, error=reason)
        return send(session, request)

    monkeypatch.setattr(URLLib3Session, "send", send_later)
    objects.write("one", CONTENT)
    assert not unreachable
    assert [method for method, *_ in s3.asked] == ["GET", "PUT"]


def _filled(objects, name):
    content = bytearray(objects.size(name))
    objects.read_into(name, 0, [memoryview(content)])
    return content


def test_what_stays_is_an_input_error(s3, tmp_path):
    objects = open_objects(f"s3://lab/{tmp_path.name}")
    objects.write("one", CONTENT)
    s3.failures = [(503, "SlowDown")] * 6
    with pytest.raises(InputError, match=r"/one: S3 answers 503 SlowDown, 6 times in a row"):
        objects.read("one")


@pytest.mark.parametrize("failure", [(400, "ExpiredToken"), (403, "AccessDenied")])
def test_a_refusal_is_not_asked_again(s3, failure, tmp_path):
    objects = open_objects(f"s3://lab/{tmp_path.name}")
    for method, action in (
        ("GET", lambda: objects.read("one")),
        ("PUT", lambda: objects.write("one", b"x")),
    ):
        s3.failures, s3.method, s3.asked = [failure] * 3, method, []
        with pytest.raises(InputError, match=f"/one: S3 answers {failure[0]} {failure[1]}"):
            action()
        assert len(s3.asked) == 1


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
def test_a_login_that_is_not_renewed_is_a_refusal(s3, fault, tmp_path, monkeypatch):
    does, said = fault
    over = renewed_until(does, tmp_path, monkeypatch)
    objects = open_objects(f"s3://lab/{tmp_path.name}")
    objects.write("one", CONTENT)
    over.touch()
    s3.asked = []
    for action in (
        lambda: objects.read("one"),
        lambda: _filled(objects, "one"),
        lambda: objects.names("folder"),
        lambda: objects.write("two", b"x"),
        lambda: objects.write_file("two", over),
    ):
        with pytest.raises(InputError, match=f"s3://lab/.*: the AWS login .*{said}"):
            action()
    assert s3.asked == []
