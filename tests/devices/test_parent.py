"""A child that outlives its parent ends by itself."""

import os
import signal
import subprocess
import sys

from tests.conftest import ROOT

CHILD = """
import time
from evoflow.devices.parent import end_with_parent
end_with_parent()
print("watching", flush=True)
time.sleep(600)
"""

PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}])
print(child.pid, flush=True)
child.wait()
"""


def test_a_child_ends_after_its_parent_was_killed_outright():
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        lines = {parent.stdout.readline().strip() for _ in range(2)}
        assert "watching" in lines
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        # The pipe closes when its last writer, the child, has ended.
        assert parent.stdout.read() == ""
