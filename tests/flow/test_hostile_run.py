"""A run whose URLs hold secrets and whose names hold markup: nothing of either gets through."""

import base64
import gzip
import os
import re
import shutil
import subprocess
import zlib
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pysam
import pytest
import yaml

from evoflow import demo
from evoflow.settings import DataSettings, DemoSettings
from tests.flow.conftest import SMALL, flow, write_configs

pytestmark = pytest.mark.slow
SECRETS = ["SECRETSIG123", "hunter2secret", "alicetheuser", "pa55w0rd"]
HACK = "<iframe srcdoc=\"<script>parent.document.title='HACKED'</script>\"></iframe>"
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")


class _Files(BaseHTTPRequestHandler):
    """Serves ranges of a folder's files to whoever gives the signature."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments, folder):
        self.folder = folder
        super().__init__(*arguments)

    def log_message(self, *_):
        pass

    def do_GET(self):
        path, _, query = self.path.partition("?")
        file = self.folder / Path(path).name
        if "SECRETSIG123" not in query or not file.is_file():
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content = file.read_bytes()
        start, stop = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
        part = content[start : stop + 1]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{start + len(part) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Folder and output of a finished run, and the output of one that fails."""
    folder = tmp_path_factory.mktemp("hostile")
    served = folder / "served"
    served.mkdir()
    _write_hostile(served)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, folder=served))
    Thread(target=server.serve_forever, daemon=True).start()
    host = f"127.0.0.1:{server.server_port}"

    def url(name):
        return f"http://alicetheuser:${{TOKEN}}@{host}/{name}?X-Amz-Signature=SECRETSIG123"

    person = {"sample": "DEMO", "reads": url("i.bam"), "variants": url("individual.vcf.gz")}
    data = {
        "demo": None,
        "reference": url("genome.fa"),
        "clinvar": f"http://bob:pa55w0rd@{host}/c.vcf.gz?X-Amz-Signature=SECRETSIG123",
        "individuals": [person],
    }
    work = folder / "work"
    work.mkdir()
    configs = write_configs(work, data=data, compute={"sequences_per_shard": 5000})
    environment = {
        "TOKEN": "hunter2secret",
        "EVOFLOW_CACHE": str(work / "cache"),
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(work),
    }
    done = flow(["run"], environment, work, **configs)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    bad = data | {"reference": url("absent.fa")}
    wrong = work / "wrong.yaml"
    wrong.write_text(yaml.safe_dump(SMALL["data"] | bad))
    failed = flow(["run"], environment, work, **(configs | {"data": wrong}))
    assert failed.returncode != 0
    for config in [*configs.values(), wrong]:  # what the user wrote is the user's
        config.unlink()
    server.shutdown()
    server.server_close()
    (work / "output.txt").write_text(done.stdout + done.stderr + failed.stdout + failed.stderr)
    return work


def _write_hostile(folder):
    """Copy the demo with markup in gene names and in the read group's sample."""
    files = demo.prepare(DataSettings(demo=DemoSettings()))
    source = Path(files.reference).parent
    for path in source.iterdir():
        shutil.copy(path, folder)
    text = gzip.decompress(Path(files.clinvar).read_bytes()).decode()
    text = re.sub(r"GENEINFO=[^:;]*:", lambda _: f"GENEINFO={HACK}:", text)
    (folder / "c.vcf").write_text(text)
    pysam.tabix_index(str(folder / "c.vcf"), preset="vcf", force=True)
    with pysam.AlignmentFile(files.individuals[0].reads) as reads:
        header = reads.header.to_dict()
        header.setdefault("RG", [{"ID": "1"}])[0]["SM"] = HACK
        with pysam.AlignmentFile(folder / "i.bam", "wb", header=header) as out:
            for read in reads:
                out.write(read)
    pysam.index(str(folder / "i.bam"))


def readings(content, depth=4):
    """All that a file says: as it is, decompressed, and with base64 decoded."""
    yield content
    if not depth:
        return
    for unpack in (gzip.decompress, zlib.decompress):
        try:
            inner = unpack(content)
        except (OSError, EOFError, zlib.error):
            continue
        yield from readings(inner, depth - 1)
    for found in re.findall(rb"[A-Za-z0-9+/]{40,}={0,2}", content):
        try:
            yield base64.b64decode(found, validate=True)
        except ValueError:
            continue


def test_no_secret_is_in_any_file_or_message(hostile):
    files = [path for path in hostile.rglob("*") if path.is_file()]
    assert len(files) > 50
    held = {
        (secret, str(path.relative_to(hostile)))
        for path in files
        for text in readings(path.read_bytes())
        for secret in SECRETS
        if secret.encode() in text
    }
    assert not held


def test_messages_still_name_the_file(hostile):
    said = (hostile / "output.txt").read_text()
    assert "http://REDACTED:${TOKEN}@127.0.0.1" in said
    assert "/absent.fa?X-Amz-Signature=REDACTED" in said


@pytest.mark.browser
@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium")
@pytest.mark.parametrize("step", ["start", "extract", "augment", "train", "end"])
def test_no_card_runs_what_a_name_holds(hostile, step, tmp_path):
    for number, page in enumerate(hostile.rglob(f"steps/{step}/tasks/*/cards/*.html")):
        profile = tmp_path / str(number)
        drawn = subprocess.run(
            [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
             f"--user-data-dir={profile}", "--virtual-time-budget=6000", "--dump-dom",
             page.as_uri()],
            check=True, capture_output=True, text=True, timeout=120, env=os.environ,
        ).stdout  # fmt: skip
        assert "<title>HACKED" not in drawn
        assert "<iframe srcdoc" not in re.sub(r"<script.*?</script>", "", drawn, flags=re.DOTALL)
