"""Bases compared with haplotypes, worked out by hand."""

from random import Random

import pytest

from evoflow.extract.evidence.alignment import Evidence, Footprint
from evoflow.extract.evidence.haplotype_fit import FLANK, HaplotypeFit

LEFT = "".join(Random(1).choices("ACGT", k=2 * FLANK - 1)) + "T"
RIGHT = "T" + "".join(Random(2).choices("ACGT", k=2 * FLANK - 1))
AT = len(LEFT)
DELINS = Footprint(AT, AT + 3, "CAG", "GA", anchored=False)
"""CAG, which the reference has between LEFT and RIGHT, becomes GA."""

BESIDE = Footprint(AT + 4, AT + 5, RIGHT[1], "ACGT"["ACGT".index(RIGHT[1]) - 1], anchored=False)


def judge(middle, *others, right=RIGHT):
    fit = HaplotypeFit(DELINS, others, 0, f"{LEFT}CAG{RIGHT}")
    return fit.judge(f"{LEFT[-FLANK:]}{middle}{right[:FLANK]}")


def test_bases_with_the_allele_and_without_it():
    assert judge("GA") == (Evidence.ALTERNATE, FLANK)
    assert judge("CAG") == (Evidence.REFERENCE, FLANK)


def test_an_error_elsewhere_does_not_matter_but_one_in_the_allele_does():
    wrong = RIGHT[:9] + ("A" if RIGHT[9] != "A" else "C") + RIGHT[10:]
    assert judge("GA", right=wrong) == (Evidence.ALTERNATE, FLANK)
    # One base from GA, two from CAG: nearer to the allele, of which it does not show the bases.
    assert judge("GT") == (Evidence.OTHER, 0)


def test_bases_that_fit_both_alike_are_left_to_the_cigar():
    # CA differs from GA by one base and from CAG by one.
    assert judge("CA") is None


def test_another_allele_of_the_individual_explains_what_is_beside():
    beside = RIGHT[0] + BESIDE.alternate + RIGHT[2:]
    assert judge("GA", BESIDE, right=beside) == (Evidence.ALTERNATE, FLANK)
    assert judge("CAG", BESIDE, right=beside) == (Evidence.REFERENCE, FLANK)


def test_of_two_insertions_side_by_side_each_starts_at_its_own_base():
    # GGGAAA gains a G and an A; where they meet, the G may be inserted behind the A's anchor. The
    # other haplotype's two A let the one be placed behind the first A of the repeat.
    more_g = Footprint(AT - 1, AT + 3, "TGGG", "TGGGG", anchored=True, tail=3)
    more_a = Footprint(AT + 2, AT + 6, "GAAA", "GAAAA", anchored=True, tail=3)
    two_a = Footprint(AT + 2, AT + 6, "GAAA", "GAAAAA", anchored=True, tail=3)
    fit = HaplotypeFit(more_a, (more_g, two_a), 0, f"{LEFT}GGGAAA{RIGHT}")
    bases = f"{LEFT[-FLANK:]}GGGGAAAA{RIGHT[:FLANK]}"
    assert fit.judge(bases) == (Evidence.ALTERNATE, FLANK + 3)


def test_the_same_change_called_as_two_alleles_is_the_allele_that_makes_it_alone():
    deletion = Footprint(AT + 1, AT + 3, "AG", "A", anchored=True)
    first = Footprint(AT, AT + 1, "C", "G", anchored=False)
    assert judge("GA", deletion, first) == (Evidence.ALTERNATE, FLANK)
    # The parts are left to the CIGAR.
    fit = HaplotypeFit(deletion, (DELINS, first), 0, f"{LEFT}CAG{RIGHT}")
    assert fit.judge(f"{LEFT[-FLANK - 1 :]}GA{RIGHT[:FLANK]}") is None


def test_a_read_that_ends_within_a_repeat_is_not_of_the_haplotype_that_has_less_of_it():
    # CT is deleted, or CT and one of CAGC: only behind all of CAGC a read tells which.
    repeats = f"{LEFT}CTCTCTCAGCCAGCCAGC{RIGHT}"
    shorter = Footprint(AT - 1, AT + 6, "TCTCTCT", "TCTCT", anchored=True, tail=4)
    both = Footprint(AT + 3, AT + 11, "TCTCAGCC", "TC", anchored=True, tail=1)
    fit = HaplotypeFit(both, (shorter,), 0, repeats)
    bases = f"{LEFT[-FLANK + 4 :]}CTCTCAGCCAGC"
    assert fit.judge(bases) == (Evidence.UNINFORMATIVE, 0)
    assert fit.judge(f"{bases}{RIGHT[:FLANK]}") == (Evidence.ALTERNATE, FLANK - 1)


@pytest.mark.parametrize("shift", [0, 1, 2, 3])
def test_a_deletion_in_a_repeat_is_seen_on_either_side_of_a_substitution(shift):
    # One of four A is deleted, and one of the rest became G.
    where = Footprint(AT - 1, AT + 4, "TAAAA", "TAAA", anchored=True, tail=3)
    snv = Footprint(AT + shift, AT + shift + 1, "A", "G", anchored=False)
    fit = HaplotypeFit(where, (snv,), 0, f"{LEFT}AAAA{RIGHT}")
    both = "AAAA"[:shift] + "G" + "AAAA"[shift + 1 :]
    deleted = both.replace("A", "", 1) if shift else both[:-1]
    evidence, start = fit.judge(f"{LEFT[-FLANK:]}{deleted}{RIGHT[:FLANK]}")
    assert (evidence, start) == (Evidence.ALTERNATE, FLANK - 1)
    evidence, _ = fit.judge(f"{LEFT[-FLANK:]}{both}{RIGHT[:FLANK]}")
    assert evidence is Evidence.REFERENCE


@pytest.mark.parametrize("shift", range(6))
def test_an_insertion_in_a_repeat_is_seen_on_either_side_of_a_substitution(shift):
    # A third CAG is inserted, and one base of the others became T.
    where = Footprint(AT - 1, AT + 6, "TCAGCAG", "TCAGCAGCAG", anchored=True, tail=6)
    snv = Footprint(AT + shift, AT + shift + 1, "CAGCAG"[shift], "T", anchored=False)
    fit = HaplotypeFit(where, (snv,), 0, f"{LEFT}CAGCAG{RIGHT}")
    before, behind = "CAGCAG"[:shift] + "T", "CAGCAG"[shift + 1 :]
    inserted = {f"CAG{before}{behind}", f"{before}{'CAGCAGCAG'[shift + 1 : shift + 4]}{behind}"}
    for middle in inserted:
        evidence, start = fit.judge(f"{LEFT[-FLANK:]}{middle}{RIGHT[:FLANK]}")
        assert (evidence, start) == (Evidence.ALTERNATE, FLANK - 1)
    evidence, _ = fit.judge(f"{LEFT[-FLANK:]}{before}{behind}{RIGHT[:FLANK]}")
    assert evidence is Evidence.REFERENCE


def test_an_insertion_right_before_an_allele_is_no_part_of_it():
    insertion = Footprint(AT - 1, AT, "T", "TCC", anchored=True)
    assert judge("CCGA", insertion) == (Evidence.ALTERNATE, FLANK + 2)
    assert judge("CCCAG", insertion) == (Evidence.REFERENCE, FLANK + 2)


def test_two_insertions_at_one_place_are_not_on_one_haplotype():
    one = Footprint(AT - 1, AT, "T", "TG", anchored=True)
    other = Footprint(AT - 1, AT, "T", "TCC", anchored=True)
    fit = HaplotypeFit(one, (other,), 0, f"{LEFT}{RIGHT}")
    found = {
        inserted: fit.judge(f"{LEFT[-FLANK:]}{inserted}{RIGHT[:FLANK]}")
        for inserted in ("G", "CC", "CCG", "GCC")
    }
    assert found == {
        "G": (Evidence.ALTERNATE, FLANK - 1),
        "CC": (Evidence.REFERENCE, FLANK - 1),
        "CCG": (Evidence.REFERENCE, FLANK - 1),
        "GCC": (Evidence.REFERENCE, FLANK - 1),
    }


def test_an_insertion_in_a_repeat_may_lie_behind_another_at_its_place():
    where = Footprint(AT - 1, AT + 4, "TAAAA", "TAAAAA", anchored=True, tail=4)
    other = Footprint(AT - 1, AT, "T", "TG", anchored=True)
    fit = HaplotypeFit(where, (other,), 0, f"{LEFT}AAAA{RIGHT}")
    for middle, expected in (("GAAAAA", Evidence.ALTERNATE), ("GAAAA", Evidence.REFERENCE)):
        assert fit.judge(f"{LEFT[-FLANK:]}{middle}{RIGHT[:FLANK]}")[0] is expected
