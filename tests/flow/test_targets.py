"""Runs on the demo with the targets that are not the impact, and what is made of their heads."""

import json

import pysam
import pytest
import yaml
from click.testing import CliRunner
from metaflow import Run, namespace

from evoflow import demo
from evoflow.__main__ import main
from evoflow.settings import DataSettings, DemoSettings
from tests.conftest import ROOT
from tests.flow.conftest import flow, write_configs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def files():
    """Settings that name the demo's files."""
    return demo.prepare(DataSettings(demo=DemoSettings()))


def write_columns(folder, clinvar):
    """Write a score, CADD and a frequency of ClinVar's alleles, of every other one alone."""
    rows = {name: [] for name in ("scores.tsv", "cadd.tsv", "af.vcf")}
    with pysam.VariantFile(clinvar) as records:
        for number, record in enumerate(records):
            place = [record.chrom, record.pos, record.ref, record.alts[0]]
            harm = "athogenic" in record.info.get("CLNSIG", ("",))[0]
            rows["scores.tsv"].append([*place, -2 * harm + number % 7 / 10])
            rows["cadd.tsv"] += [[*place, 20 * harm + number % 11]] if number % 2 else []
            af = f"AF={0.1 ** (1 + 3 * harm + number % 3)}"
            rows["af.vcf"].append([*place[:2], ".", *place[2:], ".", ".", af])
        contigs = list(records.header.contigs)
    heads = {
        "scores.tsv": "chrom\tpos\tref\talt\tfunction_score",
        "cadd.tsv": "## CADD\n#Chrom\tPos\tRef\tAlt\tPHRED",
        "af.vcf": "##fileformat=VCFv4.2\n"
        + "".join(f"##contig=<ID={name}>\n" for name in contigs)
        + '##INFO=<ID=AF,Number=A,Type=Float,Description="">\n'
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO",
    }
    for name, lines in rows.items():
        text = "\n".join([heads[name], *("\t".join(map(str, line)) for line in lines)])
        (folder / name).write_text(text + "\n")


EVO2 = {
    "checkpoint": str(ROOT / "tests" / "data" / "evo2-tiny-8k-reference"),
    "embedding": {"layer": "blocks.6", "tokens": {"window": 32}, "strands": "both"},
}
"""A checkpoint as it is published, which the run converts first, both strands of a middle block."""


def run_with(folder, model, **data):
    """Run the flow with a target and two users' columns; the process."""
    columns = [
        {"file": "cadd.tsv", "name": "PHRED", "title": "CADD", "strata": [10]},
        {"file": "af.vcf", "name": "AF"},
    ]
    given = {"haplotypes": 200, "regions": ["chr1"], "columns": columns} | data
    configs = write_configs(
        folder, data=given, model=model, compute={"sequences_per_shard": 10_000}
    )
    return flow(["run", "--run-id-file", "run-id"], {}, folder, **configs)


def test_pathogenicity_with_evo2_goes_through_the_flow_export_predict_and_report(
    files, tmp_path, monkeypatch
):
    write_columns(tmp_path, files.clinvar)
    done = run_with(tmp_path, EVO2 | {"target": "pathogenicity"})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    namespace(None)
    run = Run(f"EvoFlow/{(tmp_path / 'run-id').read_text()}")
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


def test_files_that_do_not_fit_are_told_in_start(files, tmp_path):
    write_columns(tmp_path, files.clinvar)
    wrong = {"column": {"file": "scores.tsv", "name": "funtion_score"}}
    done = run_with(tmp_path, {"target": wrong}, columns=[{"file": "absent.tsv", "name": "x"}])
    assert done.returncode != 0
    assert "has no column 'funtion_score'" in done.stdout
    assert "did you mean 'function_score'" in done.stdout
    assert "absent.tsv: there is no such file" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert "/extract/" not in done.stdout
    assert "start the run again" in done.stderr
    assert "resume" not in done.stderr
