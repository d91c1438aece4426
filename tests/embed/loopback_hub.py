"""A Hugging Face hub on the loopback, which can break off, stall, lie and refuse."""

import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMITS = {"main": "b" * 40, "1.1_fix": "a" * 40}
REPOSITORY = "lab/evo"


class LoopbackHub:
    """One repository; a test sets how it misbehaves.

    Attributes
    ----------
    files
        Name and content of each file.
    commits
        The commit of every branch.
    status
        An HTTP status that everything answers with; None: as it should.
    cut_after
        Bytes of a safetensors file after which a connection ends; None: never.
    stall
        Whether a connection is then kept open rather than ended.
    mute
        What paths begin with that get no answer; None: none do.
    knows_ranges
        Whether parts of files can be asked for.
    lies
        How many answers to come hold wrong bytes.
    token
        What it takes to read; None: nothing.
    asked
        Method, path and start of every request.
    """

    def __init__(self, files):
        self.files = dict(files)
        self.commits = dict(COMMITS)
        self.status = None
        self.cut_after = None
        self.stall = False
        self.mute = None
        self.knows_ranges = True
        self.lies = 0
        self.token = None
        self.asked = []

    @property
    def bytes_asked(self):
        """First byte of every answer with content of a safetensors file."""
        return [
            start
            for method, path, start in self.asked
            if method == "GET" and path.endswith(".safetensors")
        ]

    def commit(self, revision):
        return revision if revision in self.commits.values() else self.commits.get(revision)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: LoopbackHub

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        path = unquote(urlsplit(self.path).path)
        asked = self.headers.get("Range", "bytes=0-")
        start = int(asked.removeprefix("bytes=").split("-")[0]) if self.hub.knows_ranges else 0
        self.hub.asked.append((self.command, path, start))
        token = self.headers.get("Authorization")
        if self.hub.mute is not None and path.startswith(self.hub.mute):
            threading.Event().wait(0.5)
            self.close_connection = True
            return None
        if self.hub.status is not None:
            return self.document({"error": "busy"}, self.hub.status)
        if self.hub.token is not None and token != f"Bearer {self.hub.token}":
            return self.document({"error": "gated"}, 403, {"X-Error-Code": "GatedRepo"})
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            return self.described("/".join(parts[2:4]), parts[4:])
        if "resolve" in parts:
            at = parts.index("resolve")
            return self.content(parts[at + 1], "/".join(parts[at + 2 :]), start)
        return self.document({"error": "no such page"}, 404)

    def document(self, content, status=200, headers=()):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def described(self, repository, rest):
        if repository != REPOSITORY:
            return self.document({"error": "none"}, 404, {"X-Error-Code": "RepoNotFound"})
        commit = self.hub.commit(rest[1] if rest else "main")
        if commit is None:
            return self.document({"error": "none"}, 404, {"X-Error-Code": "RevisionNotFound"})
        if rest[:1] == ["tree"]:
            tree = [
                {"type": "file", "path": name, "size": len(content), "oid": sha1(content)}
                for name, content in self.hub.files.items()
            ]
            return self.document(tree)
        siblings = [{"rfilename": name} for name in self.hub.files]
        return self.document({"id": repository, "sha": commit, "siblings": siblings})

    def content(self, revision, name, start):
        commit, content = self.hub.commit(revision), self.hub.files.get(name)
        if commit is None or content is None:
            self.document({"error": "none"}, 404, {"X-Error-Code": "EntryNotFound"})
            return
        large = name.endswith(".safetensors")
        self.send_response(206 if "Range" in self.headers and self.hub.knows_ranges else 200)
        self.send_header("ETag", f'"{(sha256 if large else sha1)(content)}"')
        self.send_header("X-Repo-Commit", commit)
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if self.command == "HEAD":
            return
        sent = content[start:]
        if large and self.hub.lies:
            self.hub.lies -= 1
            sent = bytes([sent[0] ^ 1]) + sent[1:]
        if large and self.hub.cut_after is not None and len(sent) > self.hub.cut_after:
            self.wfile.write(sent[: self.hub.cut_after])
            self.wfile.flush()
            if self.hub.stall:
                threading.Event().wait(0.5)  # not `sleep`, which tests shorten
            self.close_connection = True
        else:
            self.wfile.write(sent)


def sha1(content):
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@contextmanager
def serve(hub):
    """Answer on a free port of the loopback; yields the URL."""
    handler = type("Handler", (Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
