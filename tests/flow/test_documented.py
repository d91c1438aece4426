"""The commands of the README and of docs/, and the notebook, on the demo's run."""

import os
import shlex
import subprocess
import sys
import warnings
from pathlib import Path

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from evoflow import demo
from evoflow.__main__ import main
from evoflow.settings import DataSettings, DemoSettings
from tests.conftest import ROOT
from tests.docs.pages import blocks, commands, is_run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab(demo_run):
    """The folder of the demo's run, with the files that the pages name."""
    folder, _, _ = demo_run
    found = demo.prepare(DataSettings(demo=DemoSettings()))
    data = found.model_dump(include={"reference", "clinvar", "individuals"}, mode="json")
    (folder / "mine.yaml").write_text(yaml.safe_dump(data | {"regions": ["chr1:1-6000"]}))
    for ending in ("", ".fai"):
        (folder / f"GRCh38.fa{ending}").symlink_to(f"{found.reference}{ending}")
    examples = pd.read_json(folder / "examples.jsonl", lines=True)
    snv = examples[examples["carries_alt"] & (examples["ref"].str.len() == 1)].iloc[0]
    record = f"{snv['contig']}\t{snv['position']}\t.\t{snv['ref']}\t{snv['alt']}\t.\t.\t."
    head = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    for name in ("new.vcf", "one.vcf"):
        (folder / name).write_text(f"{head}{record}\n")
    allele = ":".join(str(snv[name]) for name in ("contig", "position", "ref", "alt"))
    return folder, allele


def adapted(command, allele):
    """A command of the pages with this run's allele; of a run, its configs are read alone."""
    line = command.replace("flows/evo_flow.py", str(ROOT / "flows" / "evo_flow.py"))
    line = line.replace("chr1:11213:A:T", allele)
    if line.endswith(" run"):
        line = f"{line.removesuffix(' run')} show"
    return f"{line} --force" if "--output" in line else line


def type_in_shell(line):
    """Exit status and output of a line."""
    tools = Path(sys.executable).parent
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PATH": f"{tools}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", line], env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def invoke(line):
    """Exit status and output of an `evoflow` command in this process, which has it imported."""
    result = CliRunner().invoke(main, shlex.split(line)[1:])
    return result.exit_code, result.output


def test_every_command_of_the_pages_works(lab, monkeypatch):
    folder, allele = lab
    monkeypatch.chdir(folder)
    tried = [command for command in commands() if is_run(command)]
    own = [command for command in tried if command.startswith("evoflow ")]
    assert len(own) >= 5
    for command in tried:
        run = invoke if command in own[1:] else type_in_shell
        status, output = run(adapted(command, allele))
        assert status == 0, f"{command}\n{output}"


def test_the_python_of_its_page_works(lab, monkeypatch):
    folder, _ = lab
    monkeypatch.chdir(folder)
    for page, block in blocks("python"):
        if page == "python.md":
            exec(compile(block, page, "exec"), {})


def test_the_notebook_works(lab, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Jupyter's own
        import nbformat
        from nbclient import NotebookClient

        notebook = nbformat.read(ROOT / "docs" / "first_run.ipynb", as_version=4)
        kernel = {"metadata": {"path": str(lab[0])}}
        NotebookClient(notebook, timeout=300, resources=kernel).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/svg+xml" in output.get("data", {}) for output in shown)
