import pytest

from evoflow.augment.leaks import check_no_leak
from evoflow.dna import reverse_complement
from evoflow.errors import InputError

SIDES = ["train", "test"]


def test_a_split_without_anything_in_common_passes(table):
    check_no_leak(table(position=[1, 2]).assign(split=SIDES))


def test_an_allele_of_two_people_on_two_sides_is_a_leak(table):
    examples = table(individual=["A", "B"], position=[5, 5])
    with pytest.raises(InputError, match=r"the allele chr1 5 A G is in test and train"):
        check_no_leak(examples.assign(split=SIDES))


def test_a_fragment_on_two_sides_is_a_leak(table):
    with pytest.raises(InputError, match=r"the read A r7 is in test and train"):
        check_no_leak(table(read_name=["r7", "r7"]).assign(split=SIDES))


@pytest.mark.parametrize("form", [str, reverse_complement])
def test_a_sequence_on_two_sides_is_a_leak_in_both_orientations(table, form):
    read = "ACGTTGCAACGTGGGTACGA"
    other = "CCCTTGCAACGTGGGTACGA"
    examples = table(sequence=[read, other], reference_sequence=[other[::-1], form(read)])
    with pytest.raises(InputError, match=r"the sequence A.* is in test and train"):
        check_no_leak(examples.assign(split=SIDES))


def test_what_is_set_aside_is_no_leak(table):
    examples = table(read_name=["r7", "r7"])
    check_no_leak(examples.assign(split=["train", "gap"]))
