"""A run whose URLs hold secrets and whose names hold markup: nothing of either gets through."""

import base64
import gzip
import os
import re
import shutil
import subprocess
import zlib

import pytest

from tests.flow.hostile_files import SECRETS

pytestmark = pytest.mark.slow
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")


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
    found = [*hostile.folder.rglob("*"), *hostile.home.rglob("*")]
    files = [path for path in found if path.is_file()]
    assert len(files) > 50
    held = {
        (secret, str(path))
        for path in files
        for text in readings(path.read_bytes())
        for secret in SECRETS
        if secret.encode() in text
    }
    assert not held


def test_messages_still_name_the_file(hostile):
    said = hostile.failed.stdout
    assert "http://REDACTED:${TOKEN}@127.0.0.1" in said
    assert "/absent.fa?X-Amz-Signature=REDACTED" in said


@pytest.mark.browser
@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium")
@pytest.mark.parametrize("step", ["start", "extract", "augment", "train", "end"])
def test_no_card_runs_what_a_name_holds(hostile, step, tmp_path):
    pages = list(hostile.folder.rglob(f"steps/{step}/tasks/*/cards/*.html"))
    assert pages
    for number, page in enumerate(pages):
        profile = tmp_path / str(number)
        drawn = subprocess.run(
            [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
             f"--user-data-dir={profile}", "--virtual-time-budget=6000", "--dump-dom",
             page.as_uri()],
            check=True, capture_output=True, text=True, timeout=120, env=os.environ,
        ).stdout  # fmt: skip
        assert "<title>HACKED" not in drawn
        assert "<iframe srcdoc" not in re.sub(r"<script.*?</script>", "", drawn, flags=re.DOTALL)
