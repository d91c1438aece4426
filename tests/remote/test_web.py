import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from evoflow.errors import InputError
from evoflow.remote.answers import Description
from evoflow.remote.web import WebFile

CONTENT = b"ACGTACGTAC"


class Server(BaseHTTPRequestHandler):
    """Serves ranges of `/ranges`, the whole of `/whole`, and `/empty`."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path == "/empty":
            self.send_response(416)
            self.end_headers()
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
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("name", ["ranges", "whole"])
def test_a_file_is_described_by_its_size_and_version(url, name):
    assert WebFile(f"{url}/{name}").describe() == Description(10, "v1", None)


@pytest.mark.parametrize(
    ("name", "start", "given"), [("ranges", 4, CONTENT[4:7]), ("whole", 0, CONTENT)]
)
def test_a_stretch_says_where_it_begins(url, name, start, given):
    body = WebFile(f"{url}/{name}").read(4, 7)
    assert (body.start, b"".join(body.chunks)) == (start, given)


def test_an_empty_file_is_refused(url):
    with pytest.raises(InputError, match="is empty; give a complete file"):
        WebFile(f"{url}/empty").describe()
