from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pysam
import pytest

from evoflow.errors import InputError
from evoflow.labels.target import IMPACT, column
from evoflow.predict.commands import Predictions
from evoflow.predict.files import refuse_input, write_predictions

PREDICTIONS = pd.DataFrame(
    {
        "individual": "HG1",
        "contig": ["chr2", "chr1", "chr1"],
        "position": [5, 9, 2],
        "ref": ["A", "AC", "G"],
        "alt": ["C", "A", "T"],
        "rsid": ["rs1", "", "rs3"],
        "variant_id": [".", ".", "rs3;mine"],
        "filter": ["PASS", ".", "q10;low"],
        "score": [1.25, np.nan, 7.5],
        "score_spread": [np.nan, np.nan, 0.5],
        "reads": [1, 0, 4],
        "log_likelihood_ratio": [-0.5, np.nan, 2.0],
    }
)


FOUND = Predictions(PREDICTIONS, {"chr1": 20, "chr2": 20}, Counter())
MADE_BY = {"head": "EvoFlow/7", "checkpoint": "evo-1-8k-base"}


def test_a_vcf_has_its_fields_declared_and_an_index(tmp_path):
    path = tmp_path / "scored.vcf.gz"
    write_predictions(FOUND, path, MADE_BY)
    with pysam.VariantFile(str(path)) as file:
        assert list(file.header.contigs) == ["chr1", "chr2"]
        assert file.header.info["EVOFLOW_SCORE"].type == "Float"
        records = list(file)
        assert [record.pos for record in file.fetch("chr2")] == [5]
    assert [(record.contig, record.pos, record.alts) for record in records] == [
        ("chr1", 2, ("T",)), ("chr1", 9, ("A",)), ("chr2", 5, ("C",)),
    ]  # fmt: skip
    assert records[0].info["EVOFLOW_SCORE"] == 7.5
    assert records[0].info["EVOFLOW_READS"] == 4
    assert [record.id for record in records] == ["rs3;mine", None, "rs1"]
    assert [list(record.filter) for record in records] == [["q10", "low"], [], ["PASS"]]


def test_the_index_is_of_the_kind_that_has_room_and_the_only_one(tmp_path):
    path = tmp_path / "scored.vcf.gz"
    far = PREDICTIONS.assign(position=[2**29 + 7, 9, 2])
    for alleles, ending in ((FOUND.alleles, ".tbi"), (far, ".csi"), (FOUND.alleles, ".tbi")):
        found = replace(FOUND, alleles=alleles, contigs={"chr1": 20, "chr2": 2**30})
        write_predictions(found, path, MADE_BY)
        assert {each.name for each in tmp_path.iterdir()} == {path.name, path.name + ending}
        with pysam.VariantFile(str(path)) as file:
            (record,) = file.fetch("chr2")
            assert record.pos == alleles["position"][0]


def test_what_is_not_known_is_left_out_of_a_record(tmp_path):
    path = tmp_path / "scored.vcf"
    write_predictions(FOUND, path, MADE_BY)
    with pysam.VariantFile(str(path)) as file:
        unread = list(file)[1]
    assert dict(unread.info) == {"EVOFLOW_READS": 0, "EVOFLOW_SAMPLE": "HG1"}
    assert unread.id is None


@pytest.mark.parametrize("name", ["scored.tsv", "scored.tsv.gz", "a.vcf.scores.tsv.gz"])
def test_a_table_keeps_every_column(tmp_path, name):
    write_predictions(FOUND, tmp_path / name, MADE_BY)
    found = pd.read_csv(tmp_path / name, sep="\t", keep_default_na=False, comment="#")
    assert list(found) == list(PREDICTIONS)
    assert found["score"].astype(str).tolist() == ["1.2500", "", "7.5000"]


def test_a_table_says_what_made_it_and_is_bgzipped(tmp_path):
    write_predictions(FOUND, tmp_path / "scored.tsv.gz", MADE_BY)
    with pysam.BGZFile(str(tmp_path / "scored.tsv.gz")) as file:
        first = file.readline().decode()
    assert first.startswith("# evoflow=")
    assert first.endswith("; head=EvoFlow/7; checkpoint=evo-1-8k-base")


@pytest.mark.parametrize(
    ("sample", "written"),
    [
        ("Sample 1", "Sample%201"),
        ("A;EVOFLOW_SCORE=99", "A%3BEVOFLOW_SCORE%3D99"),
        ("Smith, John", "Smith%2C%20John"),
        ("50%", "50%25"),
        ("M\u00fcller", "M\u00fcller"),
    ],
)
def test_values_of_info_are_percent_encoded(tmp_path, sample, written):
    path = tmp_path / "scored.vcf"
    write_predictions(replace(FOUND, alleles=PREDICTIONS.assign(individual=sample)), path, MADE_BY)
    with pysam.VariantFile(str(path)) as file:
        record = next(iter(file))
    assert record.info["EVOFLOW_SAMPLE"] == written
    assert record.info["EVOFLOW_SCORE"] == 7.5


THEIRS = """##fileformat=VCFv4.2
##contig=<ID=2>
##contig=<ID=1>
##INFO=<ID=DP,Number=1,Type=Integer,Description="depth">
##INFO=<ID=EVOFLOW_SCORE,Number=1,Type=Float,Description="of an earlier head">
##FILTER=<ID=q10,Description="low">
##FORMAT=<ID=GT,Number=1,Type=String,Description="genotype">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tann
2\t5\trs1\tA\tC\t30\tq10\tDP=7;EVOFLOW_SCORE=3\tGT\t0/1
1\t9\t.\tAC\tA\t.\tPASS\t.\tGT\t1/1
1\t2\tx\tG\t<DEL>,T\t.\t.\tDP=9\tGT\t1/2
"""


@pytest.mark.parametrize("name", ["scored.vcf", "scored.vcf.gz"])
def test_a_vcf_keeps_what_it_had_and_is_sorted(tmp_path, name):
    (tmp_path / "theirs.vcf").write_text(THEIRS)
    listed = PREDICTIONS.assign(record=[0, 1, 2], alternate=[0, 0, 1])
    found = replace(FOUND, variants=str(tmp_path / "theirs.vcf"), listed=listed[
        ["record", "alternate", "contig", "position", "ref", "alt"]
    ])  # fmt: skip
    write_predictions(found, tmp_path / name, MADE_BY)
    with pysam.VariantFile(str(tmp_path / name)) as file:
        assert {each.name: each.length for each in file.header.contigs.values()} == {
            "2": 20,
            "1": 20,
        }
        assert "head=EvoFlow/7" in str(file.header)
        records = [str(record).rstrip().split("\t", 7) for record in file]
    assert [record[:7] for record in records] == [
        ["2", "5", "rs1", "A", "C", "30", "q10"],
        ["1", "2", "x", "G", "<DEL>,T", ".", "."],
        ["1", "9", ".", "AC", "A", ".", "PASS"],
    ]
    assert [record[7].split("\t") for record in records] == [
        ["DP=7;EVOFLOW_SCORE=1.25;EVOFLOW_LLR=-0.5", "GT", "0/1"],
        ["DP=9;EVOFLOW_SCORE=.,7.5;EVOFLOW_LLR=.,2", "GT", "1/2"],
        [".", "GT", "1/1"],
    ]
    assert (tmp_path / f"{name}.tbi").exists() == name.endswith(".gz")


def test_an_input_is_never_overwritten(tmp_path):
    (tmp_path / "mine.vcf").write_text(THEIRS)
    (tmp_path / "link.vcf").symlink_to("mine.vcf")
    for output in ("mine.vcf", "link.vcf"):
        with pytest.raises(InputError, match="is an input, which would be lost"):
            refuse_input(tmp_path / output, [str(tmp_path / "mine.vcf")])
    refuse_input(tmp_path / "other.vcf", [str(tmp_path / "mine.vcf"), "https://x/other.vcf"])


def test_a_header_says_what_a_score_is(tmp_path):
    path = tmp_path / "scored.vcf"
    for target, said in (
        (IMPACT, "Predicted impact, 0 (none) to 10 (high); mean over reads"),
        (column('my "own" score'), "Predicted my 'own' score; mean over reads"),
    ):
        write_predictions(replace(FOUND, target=target), path, MADE_BY)
        with pysam.VariantFile(str(path)) as file:
            assert file.header.info["EVOFLOW_SCORE"].description == said
