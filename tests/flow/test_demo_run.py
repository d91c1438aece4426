"""A plain run on the built-in demo, and what a user's slips lead to."""

import json
import subprocess
import sys

import numpy as np
import pytest

from evoflow.table import ALLELE, COLUMNS
from tests.conftest import ROOT

pytestmark = pytest.mark.slow
FLOW = ROOT / "flows" / "evo_flow.py"
STEPS = ["start", "extract", "augment", "embed", "train", "end"]


def run_flow(folder, *arguments):
    """Run the flow as a user does, from a folder that is not the project's."""
    return subprocess.run(
        [sys.executable, str(FLOW), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_six_steps_finish(demo_run):
    _, _, run = demo_run
    assert sorted(step.id for step in run.steps()) == sorted(STEPS)
    assert run.successful


def test_the_terminal_ends_with_the_summary(demo_run):
    _, done, run = demo_run
    lines = run["end"].task.data.summary.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert all(line.strip() in done.stdout for line in lines)
    assert "simulated demo" in run["end"].task.data.summary


def test_the_table_of_examples_is_the_documented_one(demo_run):
    folder, _, run = demo_run
    examples = run["augment"].task.data.examples
    assert list(examples.columns)[: len(COLUMNS)] == list(COLUMNS)
    assert len(examples) >= 900
    own = examples[~examples.duplicated(ALLELE)]
    assert (own["impact_score"] == 0).mean() > 0.5
    assert set(own["impact"]) == {"NONE", "MODIFIER", "LOW", "MODERATE", "HIGH"}
    with (folder / "examples.jsonl").open() as exported:
        rows = [json.loads(line) for line in exported]
    assert len(rows) == len(examples)
    assert list(rows[0])[: len(COLUMNS)] == list(COLUMNS)


def test_every_unique_sequence_is_embedded_once(demo_run):
    _, _, run = demo_run
    sequences = run["augment"].task.data.sequences
    assert not sequences.duplicated().any()
    shards = sorted(run["embed"].tasks(), key=lambda task: task.data.shard)
    assert sum(len(task.data.embeddings) for task in shards) == len(sequences)
    assert all(np.isfinite(task.data.log_likelihood).all() for task in shards)


def test_the_head_stands_beside_its_baselines(demo_run):
    _, _, run = demo_run
    metrics = run["train"].task.data.metrics
    for subset in ("all", "carriers"):
        for model in ("head", "carrier_bit", "boosted_trees", "log_likelihood_ratio"):
            assert {"rmse", "mae", "spearman"} <= set(metrics[subset][model])
    predictions = run["train"].task.data.predictions
    errors = predictions["head"] - predictions["impact_score"]
    value, low, high, rows = metrics["all"]["head"]["rmse"]
    assert value == pytest.approx(np.sqrt((errors**2).mean()))
    assert low < value < high
    assert rows == len(predictions)


def test_every_step_has_a_card(demo_run):
    folder, _, run = demo_run
    for name in STEPS:
        for task in run[name].tasks():
            cards = list(folder.rglob(f"steps/{name}/tasks/{task.id}/cards/*.html"))
            assert len(cards) == 1, name


def test_a_config_that_is_no_yaml_is_one_message(tmp_path):
    (tmp_path / "data.yaml").write_text("reference: [")
    done = run_flow(tmp_path, "--config", "data", "data.yaml", "run")
    assert done.returncode != 0
    assert "the data config: not valid YAML" in done.stderr
    assert "Traceback" not in done.stderr
