import gzip

import pysam
import pytest

from evoflow.errors import InputError
from evoflow.labels.check import allele_values, given_columns
from evoflow.remote import local_files
from evoflow.settings import AlleleColumn, TargetSettings, UserColumn

PATHOGENICITY = TargetSettings(pathogenicity={})


def test_every_file_that_cannot_be_read_is_told_at_once(data, tmp_path):
    columns = tuple(UserColumn(file=str(tmp_path / name), name="x", title=name) for name in "ab")
    target = TargetSettings(column=AlleleColumn(file=str(tmp_path / "c"), name="x"))
    with pytest.raises(InputError) as error:
        given_columns(data.model_copy(update={"columns": columns}), target)
    assert [problem.partition(":")[0][-1] for problem in error.value.problems] == ["a", "b", "c"]


def test_files_of_columns_are_paid_for_where_the_inputs_are(data, write, monkeypatch):
    path = write("a.tsv", "chrom\tpos\tref\talt\tscore", "chr1\t1\tA\tG\t1")
    asked = []

    def whole(location, *, requester_pays):
        asked.append(requester_pays)
        return location

    monkeypatch.setattr(local_files, "local_whole", whole)
    paid = data.model_copy(
        update={"columns": (UserColumn(file=path, name="score"),), "requester_pays": True}
    )
    given_columns(paid, TargetSettings(column=AlleleColumn(file=path, name="pos")))
    assert asked == [True, True]


def test_the_target_is_no_baseline_of_itself(data, write):
    path = write("a.tsv", "chrom\tpos\tref\talt\tother\tscore", "chr1\t1\tA\tG\t2\t1")
    columns = tuple(UserColumn(file=path, name=name) for name in ("other", "score"))
    target = TargetSettings(column=AlleleColumn(file=path, name="score"))
    with pytest.raises(InputError) as error:
        given_columns(data.model_copy(update={"columns": columns}), target)
    (problem,) = error.value.problems
    assert problem.startswith("data.columns[1]: is the target")


def test_clinvar_must_say_what_pathogenicity_needs(data, tmp_path):
    assert allele_values([], data, PATHOGENICITY)[1] == []
    for field, message in (("CLNSIG", "has no INFO field CLNSIG"), ("CLNREVSTAT", "CLNREVSTAT")):
        lacking = without(data, field, tmp_path)
        with pytest.raises(InputError, match=message):
            allele_values([], lacking, PATHOGENICITY)
    unstarred = TargetSettings(pathogenicity={"min_stars": 0})
    assert allele_values([], without(data, "CLNREVSTAT", tmp_path), unstarred)[1] == []
    (warning,) = allele_values([], without(data, "ORIGIN", tmp_path), PATHOGENICITY)[1]
    assert "taken as germline" in warning


def without(data, field, folder):
    """The same data with a ClinVar file whose header lacks a field."""
    path = folder / f"without-{field}.vcf"
    with gzip.open(data.clinvar, "rt") as clinvar:
        lines = list(clinvar)
    kept = [line.replace(f";{field}=Benign", "") for line in lines if f"ID={field}," not in line]
    path.write_text("".join(kept))
    pysam.tabix_index(str(path), preset="vcf", force=True)
    return data.model_copy(update={"clinvar": f"{path}.gz"})
