from http.server import BaseHTTPRequestHandler

import pytest

from evoflow.errors import InputError
from evoflow.remote.answers import Description, TransientError
from evoflow.remote.web import WebFile
from tests.remote.faults import serving

CONTENT = b"ACGTACGTAC"


class Server(BaseHTTPRequestHandler):
    """Serves ranges of `/ranges`, the whole of `/whole`, and any status by its number."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "http://[b/a.fa")
            self.end_headers()
            return
        if self.path[1:].isdecimal():
            self.send_response(int(self.path[1:]))
            self.send_header("Retry-After", "30")
            self.end_headers()
            return
        if self.path == "/expired":
            self.send_response(403)
            self.end_headers()
            self.wfile.write(b"<?xml version='1.0'?><Error><Code>AccessDenied</Code>")
            self.wfile.write(b"<Message>Request has\n expired.</Message></Error>")
            return
        start, stop = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
        ranged = self.path == "/ranges"
        body = CONTENT[start : stop + 1] if ranged else CONTENT
        self.send_response(206 if ranged else 200)
        if ranged:
            self.send_header("Content-Range", f"bytes {start}-{stop}/{len(CONTENT)}")
        self.send_header("ETag", "v1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def url():
    with serving(Server) as url:
        yield url


@pytest.mark.parametrize("name", ["ranges", "whole"])
def test_a_file_is_described_by_its_size_and_version(url, name):
    assert WebFile(f"{url}/{name}").describe() == Description(10, "v1", None)


@pytest.mark.parametrize(
    ("name", "start", "given"), [("ranges", 4, CONTENT[4:7]), ("whole", 0, CONTENT)]
)
def test_a_stretch_says_where_it_begins(url, name, start, given):
    body = WebFile(f"{url}/{name}").read(4, 7)
    assert (body.start, body.stop, body.size) == (start, start + len(given), 10)
    assert b"".join(body.chunks) == given


@pytest.mark.parametrize(
    "address", ["http://[b/a.fa", f"http://{'b' * 64}.org/a.fa", "http://\u2100.org/a.fa"]
)
def test_a_host_that_no_server_can_have_is_refused(address):
    with pytest.raises(InputError, match=r"a\.fa: cannot be read \(.*\); check the URL"):
        WebFile(address).describe()


def test_a_redirect_that_leads_nowhere_is_refused(url):
    with pytest.raises(InputError, match=r"/moved: cannot be read \(.*\); check the URL"):
        WebFile(f"{url}/moved").describe()


def test_a_bundle_of_certificates_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/none.pem")
    with pytest.raises(InputError, match=r"a\.fa: cannot be read \(.*/none\.pem\)"):
        WebFile("https://127.0.0.1:9/a.fa").describe()


def test_a_refusal_has_the_reason_that_the_server_gives(url):
    with pytest.raises(
        InputError, match=r"no such file \(status 403: Request has expired\); check"
    ):
        WebFile(f"{url}/expired").describe()


def test_a_busy_server_says_for_how_long(url):
    with pytest.raises(TransientError) as caught:
        WebFile(f"{url}/503").describe()
    assert caught.value.wait == 30


@pytest.mark.parametrize("status", [204, 302, 304, 416, 418])
def test_an_answer_without_the_file_is_no_success(url, status):
    said = "is empty" if status == 416 else f"the server answers {status}"
    with pytest.raises(InputError, match=said):
        WebFile(f"{url}/{status}").describe()
