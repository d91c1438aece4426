from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest

from evoflow.errors import InputError
from evoflow.predict.files import check_output, write_predictions

PREDICTIONS = pd.DataFrame(
    {
        "individual": "HG1",
        "contig": ["chr2", "chr1", "chr1"],
        "position": [5, 9, 2],
        "ref": ["A", "AC", "G"],
        "alt": ["C", "A", "T"],
        "rsid": ["rs1", "", "rs3"],
        "score": [1.25, np.nan, 7.5],
        "score_spread": [np.nan, np.nan, 0.5],
        "reads": [1, 0, 4],
        "log_likelihood_ratio": [-0.5, np.nan, 2.0],
    }
)


@pytest.fixture
def reference(tmp_path):
    path = tmp_path / "genome.fa"
    path.write_text(f">chr1\n{'ACGT' * 5}\n>chr2\n{'ACGT' * 5}\n")
    pysam.faidx(str(path))
    return str(path)


def test_a_vcf_has_its_fields_declared_and_an_index(tmp_path, reference):
    path = tmp_path / "scored.vcf.gz"
    write_predictions(PREDICTIONS, path, reference)
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
    assert records[0].id == "rs3"


def test_what_is_not_known_is_left_out_of_a_record(tmp_path, reference):
    path = tmp_path / "scored.vcf"
    write_predictions(PREDICTIONS, path, reference)
    with pysam.VariantFile(str(path)) as file:
        unread = list(file)[1]
    assert dict(unread.info) == {"EVOFLOW_READS": 0, "EVOFLOW_SAMPLE": "HG1"}
    assert unread.id is None


@pytest.mark.parametrize("name", ["scored.tsv", "scored.tsv.gz"])
def test_a_table_keeps_every_column(tmp_path, reference, name):
    write_predictions(PREDICTIONS, tmp_path / name, reference)
    found = pd.read_csv(tmp_path / name, sep="\t", keep_default_na=False)
    assert list(found) == list(PREDICTIONS)
    assert found["score"].astype(str).tolist() == ["1.2500", "", "7.5000"]


@pytest.mark.parametrize("name", ["scored.bcf", "scored", "absent/scored.tsv"])
def test_an_output_that_cannot_be_is_refused_before_work(tmp_path, name):
    with pytest.raises(InputError, match="--output"):
        check_output(Path(tmp_path / name))
