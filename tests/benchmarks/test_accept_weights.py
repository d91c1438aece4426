"""Acceptance of weights tells passing from failing."""

import math
import re
import runpy
import sys

import pytest
import torch
from torch.nn import functional as F

from evoflow.embed.evo import Evo2ForCausalLM, EvoForCausalLM
from tests.conftest import ROOT

DATA = ROOT / "tests" / "data"
EVO1, EVO2 = DATA / "evo-tiny-8k-reference", DATA / "evo2-tiny-8k-reference"
SCRIPT = ROOT / "tests" / "benchmarks" / "accept_weights.py"


def run(monkeypatch, capsys, *arguments):
    """Return what is printed, and how the script ends."""
    monkeypatch.setattr(sys, "argv", ["accept_weights.py", *map(str, arguments), "--device", "cpu"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    return capsys.readouterr().out, ended.value.code


@torch.no_grad()
def loss(model, sequence):
    ids = torch.tensor([list(sequence.encode())])
    return float(F.cross_entropy(model(ids).logits[0, :-1], ids[0, 1:]))


def test_the_published_loss_is_the_mean_of_the_sequences(tmp_path, monkeypatch, capsys):
    prompts = tmp_path / "prompts.csv"
    prompts.write_text("sequence,name\nACGTACGTTGCAACGT,one\nGGGTTTACACA,two\n")
    model = Evo2ForCausalLM.from_pretrained(EVO2, dtype=torch.float32)
    mean = (loss(model, "ACGTACGTTGCAACGT") + loss(model, "GGGTTTACACA")) / 2
    printed, code = run(monkeypatch, capsys, EVO2, prompts)
    found = re.search(r"mean loss ([\d.]+)", printed)
    assert float(found[1]) == pytest.approx(mean, rel=1e-5)
    assert "published for evo2-7b-base: loss 0.3520508" in printed
    assert printed.endswith("FAIL\n")
    assert code


def test_the_perplexity_of_a_fasta_counts_every_base_once(tmp_path, monkeypatch, capsys):
    fasta = tmp_path / "genome.fasta"
    fasta.write_text(">a\nACGTACGTTG\nCAACGT\n>b\nGGGTTT\n")
    model = EvoForCausalLM.from_pretrained(EVO1)
    total = 9 * loss(model, "ACGTACGTTG") + 5 * loss(model, "CAACGT") + 5 * loss(model, "GGGTTT")
    perplexity = math.exp(total / 19)
    asked = [EVO1, fasta, "--window", 10, "--at-most"]
    printed, code = run(monkeypatch, capsys, *asked, perplexity * 1.01)
    found = re.search(r"perplexity per base ([\d.]+) over 19 bases", printed)
    assert float(found[1]) == pytest.approx(perplexity, rel=1e-3)
    assert (printed.endswith("PASS\n"), code) == (True, 0)
    printed, code = run(monkeypatch, capsys, *asked, perplexity * 0.99)
    assert (printed.endswith("FAIL\n"), code) == (True, 1)
