"""A run on the demo with a target that is not the impact, and what is made of its head."""

import json

import pysam
import pytest
import yaml
from click.testing import CliRunner
from metaflow import Run, namespace

from evoflow.__main__ import main

pytestmark = pytest.mark.slow


@pytest.fixture
def run(hostile):
    namespace(None)
    return Run(f"EvoFlow/{hostile.run_id}")


def test_pathogenicity_with_evo2_goes_through_the_flow(run):
    train = run["train"].task.data
    assert train.predictions["carries_alt"].all()
    assert train.headline.metric == "auroc_pathogenic"
    models = train.metrics["carriers"]
    assert {"head", "consequence_lookup", "column_CADD", "column_AF"} <= models.keys()
    assert "carrier_bit" not in models
    assert models["column_AF"]["auroc_pathogenic"][0] > 0.5
    counts = [models[f"column_{name}"]["auroc_pathogenic"][3] for name in ("CADD", "AF")]
    assert counts[0] < counts[1]
    assert "CADD 10 or more" in train.metrics
    assert "target:pathogenicity" in run.user_tags
    assert "column CADD" in run["end"].task.data.summary


def test_a_head_for_pathogenicity_is_exported_predicts_and_is_reported(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(yaml.safe_dump({"demo": {}, "regions": ["chr1:1-6000"]}))
    for arguments in (
        ["export", run.id, "--output", "head"],
        ["report", run.id, "--output", "report.html"],
        ["predict", "head", "--data", "small.yaml", "--output", "scored.vcf"],
    ):
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, result.output
    config = json.loads((tmp_path / "head" / "config.json").read_text())
    assert config["target"]["kind"] == "pathogenicity"
    with pysam.VariantFile("scored.vcf") as scored:
        said = scored.header.info["EVOFLOW_SCORE"].description
        scores = [record.info["EVOFLOW_SCORE"] for record in scored]
    assert said.startswith("Predicted probability")
    lowest, *_, highest = config["head"]["levels"]
    assert all(lowest <= score <= highest for score in scores)
    page = (tmp_path / "report.html").read_text()
    assert "the pathogenicity of a variant" in page


def test_all_that_does_not_fit_is_told_in_start(hostile):
    said, hint = hostile.failed.stdout, hostile.failed.stderr
    assert "has no sample 'HG1' (it has DEMO)" in said
    assert "has no column 'funtion_score'" in said
    assert "did you mean 'function_score'" in said
    assert "absent.tsv: there is no such file" in said
    assert "Traceback" not in said + hint
    assert "/extract/" not in said
    assert "start the run again" in hint
    assert "resume" not in hint
