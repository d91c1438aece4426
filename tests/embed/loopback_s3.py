"""An S3 on the loopback (moto's) that can be told to fail."""

import threading
from contextlib import contextmanager

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class LoopbackS3:
    """moto as a WSGI application, with failures in front of it.

    Attributes
    ----------
    failures
        What happens to the next answers, in order: a status with an error code of S3, `cut` for a
        body that ends half way, `lie` for one whose first byte is wrong. Only answers to `method`.
    method
        HTTP method of the requests that fail.
    asked
        Method, path and range of every request.
    """

    def __init__(self):
        self._moto = DomainDispatcherApplication(create_backend_app)
        self.failures = []
        self.method = "GET"
        self.asked = []
        self._lock = threading.Lock()

    def __call__(self, environ, start_response):
        method = environ["REQUEST_METHOD"]
        with self._lock:
            self.asked.append((method, environ["PATH_INFO"], environ.get("HTTP_RANGE")))
            failure = self.failures.pop(0) if self.failures and method == self.method else None
        if failure is None:
            return self._moto(environ, start_response)
        if failure in {"cut", "lie"}:
            body = b"".join(self._moto(environ, start_response))
            return [body[: len(body) // 2] if failure == "cut" else bytes([body[0] ^ 1]) + body[1:]]
        status, code = failure
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response(f"{status} {code}", [("Content-Type", "application/xml")])
        return [f"<Error><Code>{code}</Code><Message>planned</Message></Error>".encode()]


@contextmanager
def serve(application):
    """Answer on a free port of the loopback; yields the URL."""
    server = make_server("127.0.0.1", 0, application, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
