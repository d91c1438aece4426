import numpy as np
import pytest

from evoflow.demo.chromosomes import Haplotype, align, make_haplotype
from evoflow.demo.consequences import Allele

#           0         1         2         3
#           0123456789012345678901234567890123456789
CONTIG = "ACGTTGCAACGGTTACCATGACGTTGCAACGGTTACCATG"


def spell(haplotype):
    return "".join("ACGT"[code] for code in haplotype.bases)


def test_alleles_stand_in_the_haplotype():
    alleles = [
        Allele("chr1", 2, "G", "T"),
        Allele("chr1", 10, "GGT", "G"),
        Allele("chr1", 20, "A", "ACC"),
    ]
    haplotype = make_haplotype(CONTIG, alleles)
    assert spell(haplotype) == "ACTTTGCAACGTACCATGACCCGTTGCAACGGTTACCATG"
    expected = [*range(11), *range(13, 21), -1, -1, *range(21, 40)]
    np.testing.assert_array_equal(haplotype.positions, expected)


@pytest.mark.parametrize(
    ("positions", "expected"),
    [
        ([*range(5, 25)], (5, 25, ((20, "M"),))),
        ([*range(10), *range(13, 21)], (0, 21, ((10, "M"), (3, "D"), (8, "M")))),
        ([*range(8), -1, -1, *range(8, 18)], (0, 18, ((8, "M"), (2, "I"), (10, "M")))),
        # Five bases beyond an indel are too few for an aligner to find it.
        ([*range(12), *range(15, 20)], (0, 12, ((12, "M"), (5, "S")))),
        ([-1, *range(4, 16)], (4, 16, ((1, "S"), (12, "M")))),
        ([0, 1, -1, -1, *range(2, 10)], (2, 10, ((4, "S"), (8, "M")))),
    ],
)
def test_pieces_align_by_the_reference_positions_of_their_bases(positions, expected):
    whole = Haplotype(np.zeros(len(positions), np.uint8), np.array(positions))
    aligned = align(whole, np.array([0]), np.array([len(positions)]))
    assert (*aligned.start, *aligned.end, *aligned.operations) == expected


def test_pieces_beside_an_indel_do_not_show_it():
    haplotype = make_haplotype(CONTIG, [Allele("chr1", 10, "GGT", "G")])
    aligned = align(haplotype, np.array([0, 11, 1]), np.array([11, 30, 30]))
    assert aligned.start.tolist() == [0, 13, 1]
    assert aligned.end.tolist() == [11, 32, 32]
    matched, deleted = ((11, "M"),), ((10, "M"), (2, "D"), (19, "M"))
    assert aligned.operations == [matched, ((19, "M"),), deleted]
