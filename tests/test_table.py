"""The table of examples as JSON lines."""

import json

import pandas as pd
import pytest

from evoflow import table
from evoflow.errors import InputError
from evoflow.table import ALLELE, COLUMNS, write_jsonl


def test_the_key_of_an_allele_is_part_of_the_table():
    assert list(COLUMNS)[:5] == ALLELE


def test_each_example_is_a_line_however_many_are_written_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "_ROWS_AT_ONCE", 2)
    rows = pd.DataFrame({"ref": list("ACGTA"), "position": range(5), "carries_alt": True})
    write_jsonl(rows, tmp_path / "x.jsonl")
    lines = (tmp_path / "x.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == rows.to_dict("records")


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent/x\.jsonl: cannot be written"):
        write_jsonl(pd.DataFrame({"ref": ["A"]}), tmp_path / "absent" / "x.jsonl")
