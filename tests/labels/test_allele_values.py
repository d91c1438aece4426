import pandas as pd
import pytest

from evoflow.errors import InputError
from evoflow.labels.allele_values import column_name, model_name
from evoflow.labels.check import allele_values, given_columns
from evoflow.settings import AlleleColumn, TargetSettings, UserColumn
from tests.labels.conftest import BASES, DELETION, other, snv

HEAD = "chrom\tpos\tref\talt\tscore"


def row(allele, value, contig="chr1"):
    return "\t".join(map(str, (contig, *allele, value)))


def values_of(data, path, kind="target"):
    """The matched values of a file, as the target or as a user's column."""
    target = TargetSettings()
    if kind == "target":
        target = TargetSettings(column=AlleleColumn(file=path, name="score"))
    else:
        data = data.model_copy(update={"columns": (UserColumn(file=path, name="score"),)})
    return allele_values(given_columns(data, target), data, target)[0]


@pytest.mark.parametrize("contig", ["chr1", "1", "Chr1", "NC_000001.11"])
def test_contigs_may_be_spelled_in_any_usual_way(data, write, contig):
    path = write("a.tsv", HEAD, row(snv(10), 1, contig), row(snv(20), 2, contig))
    found = values_of(data, path).table
    assert found[["contig", "position", "label"]].to_numpy().tolist() == [
        ["chr1", 10, 1.0], ["chr1", 20, 2.0],
    ]  # fmt: skip


def test_alleles_are_left_aligned_and_trimmed_as_clinvars_are(data, write):
    position, _, _ = DELETION
    right = (position + 4, "AA", "A")  # the same deletion, at the other end of the repeat
    padded = (10, BASES[9:12], other(10) + BASES[10:12])  # an SNV with two bases behind it
    found = values_of(data, write("a.tsv", HEAD, row(right, 3), row(padded, 1))).table
    assert found[["position", "ref", "alt", "label"]].to_numpy().tolist() == [
        [*snv(10), 1.0], [*DELETION, 3.0],
    ]  # fmt: skip


def test_each_row_is_counted_once_by_what_became_of_it(data, write):
    wrong = (30, other(30), BASES[29])
    rows = [
        row(snv(10), 1), row(snv(10), 1), row(snv(20), 2), row(snv(30), "."), row(snv(40), 5),
        row(snv(50), 6), row(wrong, 7), row((60, BASES[59], "-X"), 8), row(snv(10), 9, "chr9"),
        *[row(snv(position), 0) for position in range(80, 110)],
    ]  # fmt: skip
    found = values_of(data, write("a.tsv", HEAD, *rows))
    counts = found.counts.set_index("reason")["count"].to_dict()
    assert counts == {
        "it is missing": 1,
        "the reference does not have its contig": 1,
        "REF differs from the reference": 1,
        "ALT is not another sequence of bases": 1,
        "ClinVar does not list its allele": 32,  # one of them without an RS id
        "its allele is listed twice, with the same value": 1,
        "kept": 2,
    }
    assert sum(counts.values()) == len(rows)
    assert set(found.counts["subject"]) == {"value of label"}


def test_columns_are_merged_and_an_allele_may_lack_one(data, write):
    target = TargetSettings(
        column=AlleleColumn(
            file=write("t.tsv", HEAD, row(snv(10), 1), row(snv(20), 2)), name="score"
        )
    )
    cadd = UserColumn(file=write("c.tsv", HEAD, row(snv(20), 7)), name="score", title="CADD")
    data = data.model_copy(update={"columns": (cadd,)})
    found, _ = allele_values(given_columns(data, target), data, target)
    assert (column_name(cadd), model_name(cadd)) == ("value_CADD", "column_CADD")
    table = found.table.set_index("position")
    assert table["label"].to_dict() == {10: 1.0, 20: 2.0}
    assert table["value_CADD"].dropna().to_dict() == {20: 7.0}


SAME_SIDE = [row(snv(position), position) for position in (10, 20)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([row(snv(10), 1), row(snv(10), 2)], r"chr1:10:\w:\w has 1 and 2 \(lines 2, 3\); keep one"),
        ([row(snv(10), 1, "chr9")], r"none of its contigs \(chr9\) is in"),
        ([row((10, other(10), BASES[9]), 1)], r"REF differs from .* in 1 of 1 records"),
        (
            [row((5_000, "A", "G"), 1), row(snv(10), 1)],
            r"line 2 has the position 5,000, but chr1 of .* 127 bases",
        ),
        ([row(snv(50), 1)], r"for none of the alleles .*1 rows: ClinVar does not list its allele"),
        ([row(snv(10), 4), row(snv(20), 4)], "all of its 2 alleles .* have the value 4"),
    ],
)
def test_alleles_that_do_not_fit_are_refused_before_any_work(data, write, rows, message):
    path = write("a.tsv", HEAD, *rows)
    with pytest.raises(InputError, match=message) as error:
        values_of(data, path)
    assert error.value.problems[0].startswith(path)


def test_a_baseline_may_be_the_same_everywhere(data, write):
    path = write("a.tsv", HEAD, row(snv(10), 4), row(snv(20), 4))
    assert values_of(data, path, "column").table["value_score"].tolist() == [4, 4]


def test_only_the_regions_count(data, write):
    inside = data.model_copy(update={"regions": ("chr1:1-15",)})
    rows = [*SAME_SIDE, row(snv(10), 1, "chr2")]
    found = values_of(inside, write("a.tsv", HEAD, *rows), "column")
    assert found.table["position"].tolist() == [10]
    assert found.counts.set_index("reason")["count"].to_dict() == {
        "ClinVar does not list its allele": 1, "outside the regions": 1, "kept": 1,
    }  # fmt: skip


def test_nothing_given_is_no_table(data):
    found, warnings = allele_values([], data, TargetSettings())
    assert warnings == []
    assert isinstance(found.table, pd.DataFrame)
    assert found.table.empty
