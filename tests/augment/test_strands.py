import pytest

from evoflow.augment import strands


def test_a_reverse_complement_is_read_from_the_other_end():
    assert strands.reverse_complement("AACGTN") == "NACGTT"


def test_a_sequence_and_its_reverse_complement_have_one_canonical_form(table):
    examples = table(sequence=["TTTGG", "CCAAA"], variant_offset=[1, 1])
    assert strands.canonical(examples["sequence"]).tolist() == ["CCAAA", "CCAAA"]


def test_the_allele_is_found_in_the_reverse_complement(table):
    #                    offset 2, allele GG -> reversed: ACCTT, allele CC at 5 - 2 - 2 = 1
    examples = table(
        sequence=["AAGGT"], variant_offset=[2], ref=["CC"], alt=["GG"], carries_alt=[True]
    )
    assert strands.turned_offset(examples).tolist() == [1]
    assert strands.reverse_complement("AAGGT")[1:3] == "CC"


@pytest.mark.parametrize(
    ("alleles", "read", "window", "expected"),
    [
        pytest.param(("C", "G"), "AAGTTTT", "AACTTTT", True, id="snv"),
        pytest.param(("C", "CG"), "AACGTCA", "AACTCAG", False, id="insertion"),
        pytest.param(("CT", "C"), "AACCAGA", "AACTCAG", False, id="deletion"),
        pytest.param(("C", "G"), "AAGTCAC", "AACGTCA", False, id="another indel to the right"),
    ],
)
def test_only_what_stays_aligned_is_turned(table, alleles, read, window, expected):
    examples = table(
        ref=[alleles[0]],
        alt=[alleles[1]],
        carries_alt=[True],
        variant_offset=[2],
        sequence=[read],
        reference_sequence=[window],
    )
    assert strands.turnable(examples).tolist() == [expected]


def test_a_read_with_the_reference_base_at_an_insertion_can_be_turned(table):
    examples = table(ref=["C"], alt=["CG"], sequence=["AACTTTT"], variant_offset=[2])
    assert strands.turnable(examples).tolist() == [True]
