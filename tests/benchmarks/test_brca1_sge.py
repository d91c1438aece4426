"""The benchmark on BRCA1 with a small made-up table in the published one's columns."""

from random import Random

import numpy as np
import pandas as pd
import pysam
import pytest

from evoflow.settings import EmbeddingSettings, HeadSettings, ModelSettings
from tests.benchmarks import bench_brca1_sge as bench

START, EXONS, LENGTH = 41_000, ("X2", "X3", "X5", "X15"), 40


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A contig of 50 kb, and 30 SNVs in each of four exons; changes to T lose the function."""
    folder = tmp_path_factory.mktemp("sge")
    rng = Random(5)
    bases = "".join(rng.choices("ACGT", k=50_000))
    reference = folder / "chr17.fa"
    reference.write_text(f">chr17\n{bases}\n")
    pysam.faidx(str(reference))
    rows = []
    for number, exon in enumerate(EXONS):
        for step in range(30):
            position = START + 2_000 * number + 3 * step
            ref = bases[position - 1]
            alt = rng.choice([base for base in "ACGT" if base != ref])
            lost = alt == "T"
            rows.append(
                {
                    "gene": "BRCA1", "chromosome": "17", "position (hg19)": position,
                    "reference": ref, "alt": alt,
                    "consequence": "Nonsense" if lost and step % 2 else "Missense",
                    "experiment": f"{exon}_rep",
                    "function.score.mean": (-2 if lost else 0) + step / 100,
                    "func.class": "LOF" if lost else "INT" if step % 9 == 0 else "FUNC",
                }
            )  # fmt: skip
    table = folder / "sge.tsv"
    pd.DataFrame(rows).to_csv(table, sep="\t", index=False)
    return table, reference


def test_every_exon_is_tested_by_models_that_did_not_see_it(files):
    source, reference = files
    table = bench.read_table(source)
    examples = bench.examples_of(table, source, reference, LENGTH)
    assert len(examples) == len(table) == 120
    assert examples.groupby("exon")["fold"].nunique().eq(1).all()
    model = ModelSettings(
        checkpoint="evo-tiny",
        device="cpu",
        embedding=EmbeddingSettings(layer="logits", tokens="mean"),
        head=HeadSettings(epochs=1, channels=4, layers=1),
    )
    found, models = bench.run(examples, model, source, LENGTH)
    assert sorted(found["position"]) == sorted(table["position (hg19)"].astype(int))
    # The training mean is calibrated on the exon that stops the training.
    means = examples.groupby("fold")["label"].mean()
    for fold, rows in found.groupby("fold"):
        assert rows["training_mean"].to_numpy() == pytest.approx(means[(fold + 1) % 4]), fold
    assert np.isfinite(found["zero_shot"]).all()
    text = bench.report(table, found, models)
    assert "120 of 120 SNVs in 4 exons" in text
    for name in (
        "head",
        "zero shot",
        "log likelihood ratio",
        "consequence lookup",
        "0.769",
        "0.875-0.891",
    ):
        assert name in text


def test_a_low_function_score_is_a_loss():
    predictions = pd.DataFrame({"loss": [True, True, False], "head": [-2.0, -1.0, 0.0]})
    assert bench.areas(predictions.assign(bad=-predictions["head"]), ["head", "bad"]) == {
        "head": 1.0, "bad": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"func.class": None}, "no column func.class"),
        ({"consequence": "Odd"}, "consequence Odd"),
        ({"experiment": "exon 2"}, "does not start with an exon"),
    ],
)
def test_another_table_is_refused(files, tmp_path, change, message):
    table = pd.read_csv(files[0], sep="\t").assign(**change)
    table = table.drop(columns=[name for name, value in change.items() if value is None])
    table.replace({np.nan: ""}).to_csv(tmp_path / "other.tsv", sep="\t", index=False)
    with pytest.raises(SystemExit, match=message):
        bench.read_table(tmp_path / "other.tsv")
