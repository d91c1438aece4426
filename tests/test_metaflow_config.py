"""What Metaflow cannot be configured with is a message, wherever it is imported first."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

BROKEN = {
    "a profile that does not exist": ({"METAFLOW_PROFILE": "nosuch"}, "METAFLOW_PROFILE 'nosuch'"),
    "a number that is none": ({"METAFLOW_S3_RETRY_COUNT": "x"}, "METAFLOW_S3_RETRY_COUNT, got: x"),
    "a file that is no JSON": ({}, "JSONDecodeError"),
}


@pytest.mark.parametrize("fault", BROKEN.values(), ids=list(BROKEN))
@pytest.mark.parametrize(
    "command",
    [
        ["flows/evo_flow.py", "run"],
        ["-m", "evoflow", "report", "latest", "--output", "page.html"],
        ["-m", "evoflow", "export", "latest", "--output", "head"],
        ["-m", "evoflow", "predict", "latest", "--data", "d.yaml", "--output", "scores.tsv"],
    ],
    ids=["flow", "report", "export", "predict"],
)
def test_a_configuration_that_cannot_be_read_is_a_message(tmp_path, fault, command):
    variables, said = fault
    (tmp_path / "config.json").write_text("{}" if variables else "{not json")
    script, *options = command
    done = subprocess.run(
        [sys.executable, script if script == "-m" else ROOT / script, *options],
        cwd=tmp_path,
        env=os.environ
        | {"METAFLOW_HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path)}
        | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: Metaflow does not start (")
    assert said in done.stderr
    assert "METAFLOW_HOME" in done.stderr
    assert "Traceback" not in done.stderr
