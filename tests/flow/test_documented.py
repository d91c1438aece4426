"""The commands of the README and of docs/, and the notebook, on the demo's run."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pandas as pd
import pytest
import yaml

from evoflow import demo
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
    (folder / "mine.yaml").write_text(yaml.safe_dump(data | {"regions": ["chr1:1-20000"]}))
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


def test_every_command_of_the_pages_works(lab):
    folder, allele = lab
    tools = Path(sys.executable).parent
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PATH": f"{tools}:{os.environ['PATH']}"}
    tried = [command for command in commands() if is_run(command)]
    assert len(tried) >= 6
    for command in tried:
        line = command.replace("flows/evo_flow.py", str(ROOT / "flows" / "evo_flow.py"))
        line = line.replace("chr1:11213:A:T", allele)
        if line.endswith(" run"):  # its configs are read, its steps listed
            line = f"{line.removesuffix(' run')} show"
        if "--output" in line:
            line += " --force"
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


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
