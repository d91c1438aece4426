"""A server between a client and another server that fails now and then, as networks do."""

import http.client
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BUCKET = "public"


@dataclass
class Faults:
    """What goes wrong: the first answer to each GET is spoilt, in turn by each of `kinds`.

    A kind is a status, `reset` or `cut` (half of the body is missing). `refused` has paths whose
    every answer, to GET and HEAD, is a status; to GET also with a reason, where `reasons` has S3's
    code and words for one. `closed` has paths that need a signature. `served` counts bytes, but not
    the one by which a file is described.
    """

    kinds: tuple[str, ...] = ()
    refused: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, tuple[str, str]] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    asked: set[tuple[str, str]] = field(default_factory=set)
    served: int = 0
    spoilt: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, path: str, part: str) -> str | None:
        with self.lock:
            if not self.kinds or (path, part) in self.asked:
                return None
            self.asked.add((path, part))
            self.spoilt += 1
            return self.kinds[self.spoilt % len(self.kinds)]


class _Handler(BaseHTTPRequestHandler):
    """Passes a request on, or fails."""

    upstream: int
    faults: Faults

    def do_HEAD(self) -> None:
        self.answer(None)

    def do_GET(self) -> None:
        self.answer(self.faults.next(self.path, self.headers["Range"]))

    def answer(self, fault: str | None) -> None:
        path = self.path.split("?")[0]
        status = self.faults.refused.get(path) or (
            int(fault) if fault and fault.isdigit() else None
        )
        if path in self.faults.closed and "Authorization" not in self.headers:
            status = 403
        if status:
            code, words = self.faults.reasons.get(path, ("", ""))
            said = f"<Error><Code>{code}</Code><Message>{words}</Message></Error>" if code else ""
            body = said.encode() if self.command == "GET" else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        elif fault == "reset":
            linger = struct.pack("ii", 1, 0)  # closes with a reset, not with an end
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            self.connection.close()
        else:
            self.pass_on(cut=fault == "cut")

    def pass_on(self, *, cut: bool) -> None:
        upstream = http.client.HTTPConnection("127.0.0.1", self.upstream)
        headers = {name: value for name, value in self.headers.items() if name != "Host"}
        upstream.request(self.command, self.path, headers=headers)
        answer = upstream.getresponse()
        body = answer.read()
        upstream.close()
        if cut:
            body = body[: len(body) // 2]
            self.close_connection = True
        with self.faults.lock:  # before a client that reads the headers alone goes on
            self.faults.served += len(body) if self.headers["Range"] != "bytes=0-0" else 0
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name not in {"Connection", "Transfer-Encoding"}:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass

    def handle(self) -> None:
        try:
            super().handle()
        except (OSError, ValueError):  # the connection that was reset
            self.close_connection = True

    def finish(self) -> None:
        try:
            super().finish()
        except (OSError, ValueError):
            self.close_connection = True


@contextmanager
def between(port: int, faults: Faults) -> Iterator[str]:
    """Pass requests on to a local port; yield the URL of the server that does."""
    handler = type("Handler", (_Handler,), {"upstream": port, "faults": faults})
    with serving(handler) as url:
        yield url


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve in a thread; yield the URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
