from dataclasses import replace

import pandas as pd
import pytest
from click.testing import CliRunner

from evoflow.__main__ import main
from evoflow.embed import embedder as embedding
from evoflow.errors import InputError
from evoflow.predict.commands import predict_individuals, predict_variants
from evoflow.settings import DataSettings
from evoflow.train.head import Head
from tests.devices.one_gpu import WAITS, busy_gpu
from tests.extract.test_examples import brca1

__all__ = ["busy_gpu"]


@pytest.fixture(scope="module")
def head(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("head")
    trained.save(folder)
    return str(folder)


@pytest.fixture
def world(tmp_path):
    """A reference of 200 bases and a VCF with two alleles of it."""
    bases = "ACGTTGCAAC" * 20
    (tmp_path / "genome.fa").write_text(f">chr1\n{bases}\n")
    (tmp_path / "genome.fa.fai").write_text("chr1\t200\t6\t200\t201\n")
    (tmp_path / "variants.vcf").write_text(
        "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        "1\t101\tfirst\tA\tG\t.\t.\t.\n1\t102\t.\tC\tCTT\t.\t.\t.\n"
    )
    return tmp_path


def invoke(*arguments):
    return CliRunner().invoke(main, ["predict", *map(str, arguments)])


def test_variants_are_scored_without_reads(head, world):
    result = invoke(
        head, "--variants", world / "variants.vcf", "--reference", world / "genome.fa",
        "--output", world / "scored.tsv",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "2 of 2 alleles" in result.output
    scored = pd.read_csv(world / "scored.tsv", sep="\t", comment="#")
    assert scored["variant_id"].tolist() == ["first", "."]
    assert scored["position"].tolist() == [101, 102]
    assert scored["score"].between(0, 10).all()


def test_files_are_taken_as_paths_too(trained, world):
    found = predict_variants(trained, world / "variants.vcf", world / "genome.fa")
    assert found.alleles["position"].tolist() == [101, 102]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--output", "x.tsv"], "give either --data, or --variants with --reference"),
        (["--output", "x.tsv", "--variants", "v.vcf"], "with --reference"),
        (["--output", "x.bam", "--data", "d.yaml"], "must end in .tsv"),
        (["--output", "x.tsv", "--data", "absent.yaml"], "absent.yaml"),
        (["--output", "x.tsv", "--variants", "v.vcf", "--reference", "r.fa"], "r.fa"),
    ],
)
def test_a_slip_is_a_message(head, arguments, message):
    result = invoke(head, *arguments)
    assert result.exit_code != 0
    assert message in result.output
    assert "Traceback" not in result.output


def test_a_folder_that_holds_no_head_is_named(tmp_path):
    result = invoke(tmp_path, "--output", "x.tsv", "--data", "d.yaml")
    assert result.exit_code == 1
    assert "has no config.json" in result.output


def test_an_individuals_alleles_are_scored_in_clinvar_or_not(trained, real):
    data = DataSettings(
        reference=str(real / "GRCh38.17.fa.gz"),
        clinvar=str(real / "clinvar.brca1.vcf.gz"),
        individuals=[
            {
                "sample": "NA12878",
                "reads": str(real / "NA12878.brca1.bam"),
                "variants": str(real / "NA12878.brca1.vcf.gz"),
            }
        ],
        regions=["17:43044000-43050000"],
        read_length=40,
        reads_per_variant=2,
    )
    found = predict_individuals(trained, data, processes=1)
    assert found.alleles["score"].dropna().between(0, 10).all()
    assert found.alleles["reads"].max() == 2
    assert (found.alleles["rsid"] != "").any()
    with pytest.raises(InputError, match="set read_length: 40"):
        predict_individuals(trained, data.model_copy(update={"read_length": 100}))


def test_beside_a_run_it_waits_for_a_gpu_and_has_it_to_itself(head, world, busy_gpu):
    loading = busy_gpu.during(embedding, "load_model")
    predicting = busy_gpu.during(Head, "predict")
    result = invoke(
        head, "--variants", world / "variants.vcf", "--reference", world / "genome.fa",
        "--output", world / "scored.tsv",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    said = [WAITS, "computes on cuda:0 (Fake) after waiting for", "released cuda:0", "2 of 2"]
    places = [result.output.index(line) for line in said]
    assert places == sorted(places)
    assert (loading, predicting) == (["taken"], ["taken"])


def test_a_heads_context_is_used_for_variants_and_for_reads(trained, world, tmp_path, real):
    in_context = replace(trained, context=80)
    in_context.save(tmp_path / "context")
    trained.save(tmp_path / "alone")
    ratios = []
    for name in ("context", "alone"):
        output = tmp_path / f"{name}.tsv"
        result = invoke(
            tmp_path / name, "--variants", world / "variants.vcf", "--reference",
            world / "genome.fa", "--output", output,
        )  # fmt: skip
        assert result.exit_code == 0, result.output
        ratios.append(pd.read_csv(output, sep="\t", comment="#")["log_likelihood_ratio"])
    assert (ratios[0] != ratios[1]).all()
    page = tmp_path / "why.html"
    options = ["--reference", str(world / "genome.fa"), "--output", str(page)]
    head = str(tmp_path / "context")
    result = CliRunner().invoke(
        main, ["explain", head, "--variants", str(world / "variants.vcf"), *options]
    )
    assert result.exit_code == 0, result.output
    assert page.read_text().count("<svg width") == 2
    data = brca1(real, read_length=40, reads_per_variant=1, regions=["17:43044000-43047000"])
    found = predict_individuals(in_context, data, processes=1).alleles
    alone = predict_individuals(trained, data, processes=1).alleles
    assert (found["reads"] == alone["reads"]).all()
    scored = found["reads"] > 0
    assert (found["log_likelihood_ratio"] != alone["log_likelihood_ratio"])[scored].all()
    with pytest.raises(InputError, match="was trained with 80 bases: set context: 80"):
        predict_individuals(in_context, data.model_copy(update={"context": 100}))
