import pandas as pd

from evoflow.dna import canonical_strand, reverse_complement, unknown_letter


def test_a_reverse_complement_is_read_from_the_other_end():
    assert reverse_complement("AACGTN") == "NACGTT"


def test_a_sequence_and_its_reverse_complement_have_one_canonical_form():
    assert canonical_strand(pd.Series(["TTTGG", "CCAAA"])).tolist() == ["CCAAA", "CCAAA"]


def test_a_letter_that_is_no_base_is_found():
    assert unknown_letter("AcGTNxAYC") == (5, "x")
    assert unknown_letter("acgtn") is None
