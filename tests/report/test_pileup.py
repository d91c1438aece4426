import re

import pandas as pd
import pytest

from evoflow.report import pileup


def row(sequence, window, offset, *, ref="A", alt="C", carries=True):
    return {
        "contig": "chr1", "position": 100, "ref": ref, "alt": alt, "carries_alt": carries,
        "sequence": sequence, "reference_sequence": window, "variant_offset": offset,
        "strand": "+", "gene": "G", "consequence": "stop_gained", "label": 10, "head": 1.0,
    }  # fmt: skip


def drawn(*rows):
    """The lines of a pile, without their tags."""
    plain = re.sub(r"<[^>]*>", "", str(pileup.pile(pd.DataFrame(rows))))
    return [line.strip() for line in plain.splitlines()]


def test_an_snv_stands_in_its_column_whatever_the_read_begins():
    assert drawn(row("GGCTT", "GGATT", 2), row("GCTTA", "GATTA", 1)) == ["GGATT", "..C..", ".C..."]


def test_a_deletion_leaves_a_gap_and_the_rest_in_step():
    assert drawn(row("GGATTA", "GGACCT", 2, ref="ACC", alt="A"))[1].startswith("...--.")


def test_an_insertion_widens_the_reference():
    reference, read = drawn(row("GGACCTT", "GGATTGC", 2, ref="A", alt="ACC"))
    assert reference.startswith("GGA--TTGC")
    assert read == "...CC.."


def test_a_read_with_another_deletion_before_the_allele_stays_in_step():
    # The reference is GGTACATTA from 95 (1-based); the read has lost TAC, before A>C at 100.
    shifted = row("GGCTTA", "GGTACATTA", 2) | {"reference_start": 94}
    whole = row("CCTTA", "CATTA", 1) | {"reference_start": 98}
    assert drawn(shifted, whole)[1:] == ["GGC...", ".C..."]


@pytest.mark.parametrize("text", ["<b>", "&"])
def test_letters_of_files_are_text(text):
    assert "<b><b>" not in str(pileup.pile(pd.DataFrame([row(f"GG{text}TT", "GGATT", 2)])))


def test_many_reads_are_counted():
    assert drawn(*[row("GGCTT", "GGATT", 2)] * 25)[-1] == "and 5 more reads"


def test_a_long_allele_is_cut_in_its_name():
    named = pileup.name_of({"contig": "chr1", "position": 1000, "ref": "A" * 30, "alt": "A"})
    assert named == "chr1:1,000 AAAAAAAAAAAA…(30)>A"
