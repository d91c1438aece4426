import gzip

import numpy as np
import pytest

from evoflow.errors import InputError
from evoflow.labels.values_file import read_values
from evoflow.settings import AlleleColumn

HEAD = "chrom\tpos\tref\talt\tscore"
ROW = "chr1\t10\tA\tg\t-1.5"


def read(path, name="score", **more):
    return read_values(AlleleColumn(file=path, name=name, **more), "model.target.column")


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("plain.tsv", [HEAD, ROW]),
        ("gzipped.tsv.gz", [HEAD, ROW]),
        ("cadd.tsv", ["## CADD v1.7", "#Chrom\tPos\tRef\tAlt\tscore", ROW]),
        ("comments.tsv", ["# made by hand", "# twice", HEAD, ROW]),
        ("marked.tsv", ["\ufeff" + HEAD, "", ROW, "\t\t\t\t"]),
        ("quoted.tsv", [HEAD.replace("chrom", '"chrom"'), ROW.replace("chr1", '"chr1"')]),
        ("header_ends_in_a_tab.tsv", [f"{HEAD}\t", ROW]),
        ("last_value_is_left_out.tsv", [f"{HEAD}\tnote", ROW]),
        ("lines_end_in_tabs.tsv", [f"{HEAD}\t", f"{ROW}\t"]),
        ("published.tsv", ["chromosome\tposition (hg19)\treference\talt\tscore", ROW]),
    ],
)
def test_tables_are_read_however_they_are_written(write, name, lines):
    found = read(write(name, *lines))
    assert found.drop(columns="line").to_numpy().tolist() == [["chr1", 10, "A", "G", -1.5]]
    assert found["line"].item() == next(n for n, line in enumerate(lines, 1) if "\t10\t" in line)


def test_missing_values_are_no_numbers_and_no_fault(write):
    rows = [f"chr1\t{n}\tA\tG\t{value}" for n, value in enumerate(["", ".", "NA", "nan", "2"], 1)]
    found = read(write("some.tsv", HEAD, *rows))["value"]
    np.testing.assert_array_equal(found, [np.nan] * 4 + [2.0])


def test_the_columns_of_the_allele_can_be_named(write):
    path = write("revel.tsv", "chr\thg19_pos\tgrch38_pos\tref\talt\tscore", "1\t5\t9\tA\tG\t0.5")
    with pytest.raises(InputError, match=r"no column is called like the position; set .*allele"):
        read(path)
    assert read(path, allele=("chr", "grch38_pos", "ref", "alt"))["position"].tolist() == [9]


INFO = '##INFO=<ID=AF,Number=A,Type=String,Description="">'
VCF = [
    "##fileformat=VCFv4.2",
    "##contig=<ID=1>",
    INFO,
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO",
]


@pytest.mark.parametrize("name", ["af.vcf", "af.vcf.gz"])
def test_an_info_field_gives_each_alternate_its_own_value(write, name):
    path = write(name, *VCF, "1\t5\t.\tA\tC,G\t.\t.\tAF=0.1,.", "1\t7\t.\tA\tC,G\t.\t.\tAF=0.3")
    found = read(path, "AF")
    assert found[["position", "alt"]].to_numpy().tolist() == [
        [5, "C"],
        [5, "G"],
        [7, "C"],
        [7, "G"],
    ]
    np.testing.assert_array_equal(found["value"], [0.1, np.nan, 0.3, 0.3])


@pytest.mark.parametrize(
    ("name", "lines", "message"),
    [
        (
            "a.tsv",
            [HEAD.replace("score", "scores"), ROW],
            r"no column 'score' .*did you mean 'scores'",
        ),
        ("a.csv", [HEAD.replace("\t", ","), ROW.replace("\t", ",")], r"divided by ','"),
        ("a.txt", [HEAD.replace("\t", " "), ROW.replace("\t", " ")], "not a tab-separated table"),
        ("a.tsv", [HEAD, ROW, "chr1\t11\tA\tG\thigh"], r"line 3 has score 'high'"),
        ("a.tsv", [HEAD, "chr1\t1\tA\tG\t0,5"], r"line 2 has score '0,5'"),
        ("a.tsv", [HEAD, "chr1\t1\tA\tG\tinf"], r"line 2 has score 'inf'"),
        ("a.tsv", [HEAD, "chr1\tx\tA\tG\t1"], r"line 2 has the position 'x'"),
        ("a.tsv", [HEAD, "chr1\t0\tA\tG\t1"], r"positions are whole numbers from 1"),
        ("a.tsv", [HEAD, "chr1\t3000000000\tA\tG\t1"], r"line 2 has the position '3000000000'"),
        ("a.tsv", [f"gene\t{HEAD}", f"X\t{ROW}", f"a\tb\t{ROW}"], r"line 3 has more values than"),
        ("a.tsv", [HEAD, "chr1\t1\tA\tG"], "give each row as many values as the header has"),
        ("a.tsv", [HEAD, "chr1\t1\tA\tG\t"], "no row has a value of score"),
        ("a.tsv", [HEAD], "a header but no rows"),
        ("a.tsv", ["## CADD v1.7", f"#{HEAD}"], "a header but no rows"),
        ("a.tsv", [f"{HEAD}\tscore", f"{ROW}\t1"], "has 2 columns 'score'"),
        ("a.tsv", [f"{HEAD}\tPOSITION", f"{ROW}\t1"], r"several columns may be the position"),
        ("a.vcf", [*VCF, "1\t5\t.\tA\tC\t.\t.\tAF=1"], "has no INFO field 'score'.*it has AF"),
        ("a.xlsx", ["PK\x03\x04"], "a workbook; save its sheet as tab-separated text"),
        ("a.tsv", ["c\0h\0r\0"], "is not UTF-8 text"),
    ],
)
def test_what_can_be_wrong_is_one_clear_message(write, name, lines, message):
    path = write(name, *lines)
    with pytest.raises(InputError, match=message) as error:
        read(path)
    (problem,) = error.value.problems
    assert problem.startswith(path)


def test_values_that_do_not_fit_the_alternates_are_refused(write):
    path = write("a.vcf", *VCF, "1\t5\t.\tA\tC,G,T\t.\t.\tAF=1,2")
    with pytest.raises(InputError, match=r"record 1 \(1:5\) has 2 values of AF for 3 ALT"):
        read(path, "AF")


def test_a_file_that_is_absent_or_cut_off_is_named(write, tmp_path):
    with pytest.raises(InputError, match=r"absent\.tsv: there is no such file"):
        read(str(tmp_path / "absent.tsv"))
    whole = tmp_path / write("rows.tsv.gz", HEAD, *[ROW] * 5_000)
    whole.write_bytes(whole.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"rows\.tsv\.gz: cannot be read"):
        read(str(whole))


@pytest.mark.parametrize("rows", [0, 10_000])
def test_a_damaged_gzip_is_named(tmp_path, rows):
    path = tmp_path / "rows.tsv.gz"
    whole = gzip.compress("\n".join([HEAD, *[ROW] * rows]).encode())
    no_block_type = whole[:10] + b"\xff" * 20
    path.write_bytes(whole + no_block_type if rows else no_block_type)
    with pytest.raises(InputError, match=r"rows\.tsv\.gz: cannot be read.*; copy it again"):
        read(str(path))
