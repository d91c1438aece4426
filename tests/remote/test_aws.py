"""S3 is reached whatever state the AWS configuration is in; each way to break it is one case."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.httpsession import URLLib3Session

from evoflow.errors import InputError
from evoflow.remote import aws, mirror
from tests.remote.faults import BUCKET
from tests.remote.logins import FAULTS, HANGS, key_of, log_in_by, renewed_until

SSO = "sso_start_url = https://x.awsapps.com/start\nsso_region = us-east-1\n"
SSO += "sso_account_id = 123456789012\nsso_role_name = reader\n"

BROKEN = {
    "a profile that does not exist": ({"AWS_PROFILE": "nosuch"}, "", "ProfileNotFound.*nosuch"),
    "a key without its secret": ({"AWS_ACCESS_KEY_ID": "AKIA"}, "", "PartialCredentialsError"),
    "a process that fails": (
        {},
        "[default]\ncredential_process = /bin/false\n",
        "CredentialRetrievalError",
    ),
    "a process that writes no JSON": (
        {},
        "[default]\ncredential_process = /bin/echo hello\n",
        "JSONDecodeError",
    ),
    "a process that is not there": (
        {},
        "[default]\ncredential_process = /nonexistent/login\n",
        "FileNotFoundError",
    ),
    "a process that hangs": (
        {},
        "[default]\ncredential_process = /bin/sleep 20\n",
        "did not answer for",
    ),
    "single sign-on that is over": (
        {"AWS_PROFILE": "lab"},
        f"[profile lab]\n{SSO}",
        "SSOTokenLoadError",
    ),
    "a role of a profile that does not exist": (
        {"AWS_PROFILE": "lab"},
        "[profile lab]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = nosuch\n",
        "InvalidConfigError",
    ),
    "a file that is no configuration": ({}, "region = us-east-1\n[[", "ConfigParseError"),
    "a file in another encoding": ({}, "[default]\n# caf\xe9\n", "ConfigParseError"),
}


@pytest.fixture(params=BROKEN.values(), ids=list(BROKEN))
def broken(request, bucket, tmp_path, monkeypatch):
    """A login that fails; yields the bucket's owner's client and what is said of the login."""
    variables, file, said = request.param
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "config").write_text(file, encoding="latin-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    if "sleep" in file:
        monkeypatch.setattr(aws, "LOGIN_SECONDS", 1.0)
    return bucket, said


def test_what_is_public_is_read(broken):
    bucket, _ = broken
    bucket.put_object(Bucket=BUCKET, Key="open", ACL="public-read", Body=b"a" * 5000)
    copy = mirror.Mirror.of(f"s3://{BUCKET}/open")
    copy.provide_whole()
    assert copy.path.read_bytes() == b"a" * 5000


def test_what_is_not_public_is_refused_with_the_reason(broken, faults):
    _, said = broken
    faults.closed = {f"/{BUCKET}/closed"}
    with pytest.raises(InputError, match=rf"s3://{BUCKET}/closed: .*403.*{said}"):
        mirror.Mirror.of(f"s3://{BUCKET}/closed")


@pytest.fixture
def closed(bucket, faults):
    """A file that takes a login to read."""
    faults.closed = {f"/{BUCKET}/closed"}
    bucket.put_object(Bucket=BUCKET, Key="closed", Body=b"a" * 5000)
    return f"s3://{BUCKET}/closed"


def test_a_process_that_answers_is_a_login(closed, tmp_path, monkeypatch):
    log_in_by(f"/bin/echo '{key_of(60)}'", tmp_path, monkeypatch)
    assert mirror.Mirror.of(closed).described.size == 5000


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
def test_a_login_that_is_not_renewed_is_the_reason(fault, closed, tmp_path, monkeypatch, capfd):
    does, said = fault
    over = renewed_until(does, tmp_path, monkeypatch)
    copy = mirror.Mirror.of(closed)
    copy.provide([(0, 100)])
    over.touch()
    with pytest.raises(InputError, match=rf"{closed}: no permission.*{said}"):
        copy.provide_whole()
    assert "Traceback" not in capfd.readouterr().err


def test_a_renewal_that_hangs_does_not_matter_yet(closed, tmp_path, monkeypatch):
    over = renewed_until(HANGS, tmp_path, monkeypatch, minutes=12)
    copy = mirror.Mirror.of(closed)
    over.touch()
    started = time.monotonic()
    copy.provide_whole()
    assert copy.path.read_bytes() == b"a" * 5000
    assert time.monotonic() - started < 20  # seconds for which the process hangs


@pytest.mark.usefixtures("bucket")
def test_many_files_ask_for_one_login(faults, tmp_path, monkeypatch):
    faults.closed = {f"/{BUCKET}/{number}" for number in range(6)}
    asked = tmp_path / "asked"
    (tmp_path / "login").write_text(f"#!/bin/sh\necho >> {asked}\nsleep 0.5\nexit 1\n")
    (tmp_path / "login").chmod(0o755)
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {tmp_path / 'login'}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

    def fetch(number):
        with pytest.raises(InputError, match=f"{BUCKET}/{number}: .*CredentialRetrievalError"):
            mirror.Mirror.of(f"s3://{BUCKET}/{number}")

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(fetch, range(6)))
    assert len(asked.read_text().splitlines()) == 1


@pytest.mark.usefixtures("bucket")
def test_the_endpoint_of_the_configuration_is_used(tmp_path, monkeypatch, moto_port):
    url = f"http://127.0.0.1:{moto_port}"
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    for text in (
        f"[default]\nendpoint_url = {url}\n",
        f"[default]\nservices = lab\n[services lab]\ns3 =\n  endpoint_url = {url}\n",
    ):
        (tmp_path / "config").write_text(text)
        for client in (aws.anonymous_client(Config()), aws.signed_client(Config())):
            assert client.meta.endpoint_url == url
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert aws.anonymous_client(Config()).meta.endpoint_url == "http://127.0.0.1:9"


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize("endpoint", ["no url", "http://"])
def test_an_endpoint_that_is_none_is_named(monkeypatch, endpoint):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    with pytest.raises(InputError, match=r"S3 cannot be used .*check AWS_ENDPOINT_URL"):
        mirror.Mirror.of(f"s3://{BUCKET}/any")


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize("signed", [False, True])
def test_a_bucket_in_another_region_is_followed(monkeypatch, signed):
    """S3 answers 301 and names the region."""
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    asked = []

    def send(_, request):
        host = re.sub(r"^https://([^/]+)/.*", r"\1", request.url)
        asked.append(host)
        refused = signed and "Authorization" not in request.headers
        if "eu-west-1" in host and not refused:
            headers = {"Content-Length": "7", "ETag": '"e"', "Content-Type": "text/plain"}
            return AWSResponse(request.url, 200, headers, _Nothing())
        headers = {"x-amz-bucket-region": "eu-west-1"}
        return AWSResponse(request.url, 403 if refused else 301, headers, _Nothing())

    if signed:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    with monkeypatch.context() as patched:
        patched.setattr(URLLib3Session, "send", send)
        assert mirror.Mirror.of("s3://lab/file").described.size == 7
    assert asked[0] == "lab.s3.amazonaws.com"
    assert asked[-1] == "lab.s3.eu-west-1.amazonaws.com"


class _Nothing:
    """The body of an answer that nobody reads."""

    def stream(self, *_, **__):
        return iter(())

    def read(self, *_, **__):
        return b""

    def close(self):
        pass
