"""FASTA files: names and letters are kept, what is wrong is named with its line."""

import gzip

import pytest

from evoflow.embed.fasta import Record, read_fasta
from evoflow.errors import InputError

TEXT = ">one first of all\nACGT\nacgtn\n\n>two\r\nA\r\n"


@pytest.mark.parametrize("name", ["x.fasta", "x.fa.gz"])
def test_records(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(gzip.compress(TEXT.encode()) if name.endswith("gz") else TEXT.encode())
    assert read_fasta(path) == [Record("one", 1, "ACGTacgtn"), Record("two", 5, "A")]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (">a\nAC\nAGU\n", ["3: sequence a has 'U'"]),
        (">a\n>b\n\n>c\nA\n", ["1: sequence a is empty", "2: sequence b is empty"]),
        (">\nAC\n", ["1: a sequence has no name"]),
        (">a\nA\n>b\nA\n>a\nC\n", ["5: sequence a has the name of line 1"]),
        ("ACGT\n", ["1: must start with a FASTA header"]),
        ("", [" holds no sequences"]),
        (">a\nAC-T\n>b\nAXGT\n", ["2: sequence a has '-'", "4: sequence b has 'X'"]),
    ],
)
def test_problems_are_listed_by_name_and_line(tmp_path, text, problems):
    path = tmp_path / "x.fasta"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read_fasta(path)
    assert len(error.value.problems) == len(problems)
    for problem, expected in zip(error.value.problems, problems, strict=True):
        assert problem.startswith(f"{path}:{expected}")


def test_what_is_no_fasta(tmp_path):
    (tmp_path / "x.gz").write_bytes(b"no gzip")
    (tmp_path / "x.fa").write_bytes(b"\xff\xfe\x00")
    for name in ("x.gz", "x.fa", "absent.fa"):
        with pytest.raises(InputError, match=name):
            read_fasta(tmp_path / name)


def test_a_gzipped_file_that_is_damaged_is_named(tmp_path):
    path = tmp_path / "x.fa.gz"
    whole = gzip.compress(TEXT.encode())
    for damaged in (whole[:-9], whole[:10] + b"\xff" * 9 + whole[19:], whole[:-5] + b"\0" * 5):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"x\.fa\.gz: .*; name a FASTA file"):
            read_fasta(path)


def test_a_gzipped_file_is_known_by_its_content_and_a_byte_order_mark_is_no_letter(tmp_path):
    path = tmp_path / "x.fa"
    for content in (gzip.compress(TEXT.encode()), TEXT.encode("utf-8-sig")):
        path.write_bytes(content)
        assert [record.name for record in read_fasta(path)] == ["one", "two"]
