"""A page that stands alone: values written for reading, text that cannot act."""

import json

import numpy as np
import pytest

from evoflow.report.page import Notes, Section, Text, in_script, page, readable


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
