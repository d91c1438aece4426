"""A page that stands alone: values written for reading, text that cannot act."""

import json

import numpy as np
import pandas as pd
import pytest
import vl_convert

from evoflow.report.page import Grid, Notes, Section, Text, in_script, page, readable


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"), (np.bool_(False), "false"), (float("nan"), ""), (0.123456, "0.123"),
        (12345.6, "12,346"), (np.float32(100.4), "100"), (1234567, "1,234,567"),
        (["a", 2], "a, 2"), (None, "None"), ("https://ada:pw@host/x", "https://REDACTED@host/x"),
    ],
)  # fmt: skip
def test_values_are_written_for_reading(value, text):
    assert readable(value).replace("REDACTED:REDACTED", "REDACTED") == text


def test_json_in_a_script_cannot_end_it():
    written = in_script({"name": "</script><b>&", "n": np.int64(3)})
    assert not set("<>&") & set(written)
    assert json.loads(written) == {"name": "</script><b>&", "n": 3}


def test_a_page_has_its_sections_in_order_and_escapes_their_text():
    sections = [
        Section("one", "First", [Text("<i>x</i>")], folded=False),
        Section("two", "Second", [Notes(["look here"])]),
    ]
    written = page("Title & more", "under it", sections)
    assert written.index("First") < written.index("Second")
    assert "Title &amp; more" in written
    assert "&lt;i&gt;x&lt;/i&gt;" in written
    assert "<i>x</i>" not in written
    assert 'href="#two"' in written
    assert 'href="#one"' not in written  # the contents name folded sections
    assert "<script src" not in written  # nothing is fetched


def test_columns_of_numbers_and_of_intervals_are_aligned_to_the_right():
    frame = pd.DataFrame({"n": [1, 2], "value": ["0.41 [0.35, 0.47]", "-"], "name": ["a1", "2"]})
    assert Grid(frame).numeric == [True, True, False]
    assert page("t", "s", [Section("a", "A", [Grid(frame)])]).count('class="number"') == 6


@pytest.mark.parametrize("cache", ["kept", "a file/where the folder should be"])
def test_the_charts_library_is_bundled_once_where_it_can_be_kept(cache, tmp_path, monkeypatch):
    (tmp_path / "a file").touch()
    monkeypatch.setenv("EVOFLOW_CACHE", str(tmp_path / cache))
    bundled = []
    monkeypatch.setattr(
        vl_convert, "javascript_bundle", lambda code: bundled.append(code) or "</script>vegä"
    )
    pages = {page("t", "s", []) for _ in range(2)}
    assert len(bundled) == (1 if cache == "kept" else 2)
    assert [written.count("<\\/script>vegä") for written in pages] == [1]
