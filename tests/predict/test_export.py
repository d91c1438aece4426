import json
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from evoflow.__main__ import main
from evoflow.errors import InputError
from evoflow.labels.target import IMPACT, target_of
from evoflow.predict import export
from evoflow.report import tallies
from evoflow.settings import load_settings
from evoflow.train.head import Head, HeadConfig
from evoflow.train.network import ConvolutionalHead

SETTINGS = load_settings(
    {"demo": {}, "read_length": 100},
    {"checkpoint": "evo-tiny", "embedding": {"tokens": "mean"}},
    {},
)

SHAPE = HeadConfig(width=4, channels=2, kernel_size=3, layers=1, dropout=0.0)
WEIGHTS = {name: tensor.numpy() for name, tensor in ConvolutionalHead(SHAPE).state_dict().items()}


@pytest.fixture
def trained_run(monkeypatch, run, examples):
    """Name of a run; its artifacts are found under any name."""
    artifacts = {
        "settings": SETTINGS,
        "head": Head(
            SHAPE,
            WEIGHTS,
        ),
        "provenance": {"revision": "0123abc", "layer": "final", "weights": "f00d"},
        "split_counts": tallies.impact_counts(examples, "split"),
        "metrics": run.metrics,
        "undefined": run.undefined,
        "comparisons": run.comparisons,
        "headline": run.headline,
    }
    monkeypatch.setattr(
        export, "find_run", lambda name: SimpleNamespace(pathspec=f"EvoFlow/{name}")
    )
    monkeypatch.setattr(export, "artifact", lambda _run, _step, name: artifacts[name])
    return "7"


@pytest.fixture
def folder(trained_run, tmp_path):
    result = CliRunner().invoke(main, ["export", trained_run, "--output", str(tmp_path / "head")])
    assert result.exit_code == 0, result.output
    return tmp_path / "head"


def test_an_exported_head_is_found_by_its_folder(folder):
    head = export.find_head(str(folder))
    assert head.revision == "0123abc"
    assert head.read_length == 100
    assert head.embedding.tokens == "mean"
    assert head.weights == "f00d"
    assert head.head.weights.keys() == WEIGHTS.keys()
    assert all(np.array_equal(head.head.weights[name], WEIGHTS[name]) for name in WEIGHTS)


def test_a_head_is_found_by_its_run(trained_run):
    assert export.find_head(trained_run).checkpoint == "evo-tiny"


def test_the_metrics_name_value_and_interval(folder):
    metrics = json.loads((folder / "metrics.json").read_text())
    head = metrics["metrics"]["carriers"]["head"]["spearman"]
    assert head == {"value": 0.71, "low": 0.6, "high": 0.8, "n": 50}
    assert "every prediction is the same" in str(metrics["undefined"])


def test_the_model_card_has_metadata_and_limits(folder):
    _, metadata, card = (folder / "README.md").read_text().split("---\n", 2)
    found = yaml.safe_load(metadata)
    assert found["library_name"] == "evoflow"
    assert "base_model" not in found, "the stand-in is no published model"
    measured = found["model-index"][0]["results"][0]["metrics"]
    assert {"type": "spearman", "name": "spearman (carriers)", "value": 0.71} in measured
    for said in (
        "not a clinical tool", "prokaryotes and phages", "random weights", "simulated demo",
        "reads of 100 bases", "simulated demo with seed 0", "exported on 20", "| test |",
        "0.71 (0.60 to 0.80)",
    ):  # fmt: skip
        assert said in card


def test_a_head_of_a_run_is_checked_like_an_exported_one(trained_run, monkeypatch):
    earlier = {name: weight for name, weight in WEIGHTS.items() if "readout" not in name}
    found = {"head": Head(SHAPE, earlier), "provenance": {"revision": None}, "settings": SETTINGS}
    monkeypatch.setattr(export, "artifact", lambda _run, _step, name: found[name])
    with pytest.raises(InputError, match=r"EvoFlow/7: is not a head .*lacks readout\.0\.weight"):
        export.find_head(trained_run)


def test_a_run_of_another_version_is_a_message(trained_run, monkeypatch):
    found = {"head": Head(SHAPE, WEIGHTS), "provenance": {}, "settings": SETTINGS}
    monkeypatch.setattr(export, "artifact", lambda _run, _step, name: found[name])
    with pytest.raises(InputError, match=r"EvoFlow/7: its settings were written by another vers"):
        export.find_head(trained_run)


def test_a_folder_without_a_head_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"has no config\.json"):
        export.find_head(str(tmp_path))


def test_what_is_neither_a_folder_nor_a_run_is_called_so(monkeypatch, tmp_path):
    def find_run(name):
        raise InputError(f"run {name!r} is not in Metaflow's metadata")

    monkeypatch.setattr(export, "find_run", find_run)
    with pytest.raises(
        InputError, match=r"haed: is neither a folder .* nor a run: run '.*haed' is"
    ):
        export.find_head(str(tmp_path / "haed"))


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("impact", "Annotation gives it exactly"),
        ("pathogenicity", "how probable it is that a DNA variant is pathogenic, from 0 to 1"),
        ({"column": {"file": "scores.tsv", "name": "score"}}, "predicts score of a DNA variant"),
    ],
)
def test_a_head_keeps_its_target_and_its_card_names_it(
    trained_run, monkeypatch, tmp_path, target, says
):
    settings = load_settings({"demo": {}}, {"checkpoint": "evo-tiny", "target": target}, {})
    inner = export.artifact
    monkeypatch.setattr(
        export,
        "artifact",
        lambda run, step, name: settings if name == "settings" else inner(run, step, name),
    )
    export.export_run(trained_run, tmp_path)
    assert export.find_head(str(tmp_path)).target == target_of(settings.model.target)
    card = " ".join((tmp_path / "README.md").read_text().split())
    assert says in card
    kind = "classification" if target == "pathogenicity" else "regression"
    assert f"type: tabular-{kind}" in card


def test_a_head_without_a_target_predicts_the_impact(folder):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    assert config.pop("target") == {"kind": "impact", "name": "impact"}
    path.write_text(json.dumps(config))
    assert export.find_head(str(folder)).target == IMPACT
    path.write_text(json.dumps(config | {"target": {"kind": "risk", "name": "risk"}}))
    with pytest.raises(InputError, match="no target is called 'risk'"):
        export.find_head(str(folder))
