"""Carriers decided by hand-written alignments."""

import re

import pysam
import pytest

from evoflow.extract.evidence.alignment import (
    Evidence,
    Footprint,
    Layout,
    central_window,
    evidence,
    footprint,
    layout,
)
from tests.extract.worlds import make_read

#         0         1         2         3
#         0123456789012345678901234567890123456789
GENOME = "ACGTTGCATTGACCCCCAGTACGATATATATCGGTACCATT"


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    path = tmp_path_factory.mktemp("genome") / "genome.fa"
    path.write_text(f">1\n{GENOME}\n>2\ng{'ca' * 70}t\n")
    pysam.faidx(str(path))
    with pysam.FastaFile(str(path)) as opened:
        yield opened


def shown(genome, allele, start, bases, cigar):
    where = footprint(genome, "1", *allele, limit=100)
    read = make_read(len(GENOME), "read", start, bases, cigar)
    return evidence(layout(read), bases, where)


@pytest.mark.parametrize(
    ("allele", "interval", "haplotypes"),
    [
        ((5, "T", "G"), (4, 5), ("T", "G")),
        ((5, "TG", "AC"), (4, 6), ("TG", "AC")),
        # A C more or less in CCCCC (12..17) may be any of the five.
        ((12, "A", "AC"), (11, 17), ("ACCCCC", "ACCCCCC")),
        ((12, "AC", "A"), (11, 17), ("ACCCCC", "ACCCC")),
        # AT repeats in ATATATAT (23..31); the G before is the anchor.
        ((23, "GAT", "G"), (22, 31), ("GATATATAT", "GATATAT")),
        ((23, "G", "GAT"), (22, 31), ("GATATATAT", "GATATATATAT")),
        # Not a repeat: the footprint is the allele.
        ((33, "GGT", "G"), (32, 35), ("GGT", "G")),
        ((9, "TT", "ACG"), (8, 10), ("TT", "ACG")),
    ],
)
def test_footprint_reaches_as_far_as_an_indel_can_be_shifted(genome, allele, interval, haplotypes):
    where = footprint(genome, "1", *allele, limit=100)
    assert (where.start, where.stop) == interval
    assert (where.reference, where.alternate) == haplotypes


def test_footprint_at_the_end_of_the_contig(genome):
    where = footprint(genome, "1", 38, "C", "CATT", limit=100)
    assert (where.start, where.stop) == (37, 41)


def test_a_long_repeat_is_followed_to_its_end_or_to_the_limit(genome):
    where = footprint(genome, "2", 1, "G", "GCA", limit=1000)
    assert (where.start, where.stop, where.tail) == (0, 141, 140)
    assert where.alternate == "G" + "CA" * 71
    assert 100 <= footprint(genome, "2", 1, "G", "GCA", limit=100).tail < 140


@pytest.mark.parametrize(
    ("bases", "cigar", "expected"),
    [
        # The genome from 8 is TTGACCCCCAGTACG; one C is deleted, wherever the aligner puts it.
        ("TTGACCCCAGTACG", "4M1D10M", Evidence.ALTERNATE),
        ("TTGACCCCAGTACG", "8M1D6M", Evidence.ALTERNATE),
        ("TTGACCCCCAGTACG", "15M", Evidence.REFERENCE),
        ("TTGACCCAGTACG", "4M2D9M", Evidence.OTHER),
        ("TTGACCCTAGTACG", "4M1D10M", Evidence.OTHER),
        # It ends within the repeat, or does not reach the base behind it.
        ("TTGACCC", "7M", Evidence.UNINFORMATIVE),
        ("TTGACCCC", "4M1D4M", Evidence.UNINFORMATIVE),
        # Clipped or skipped bases are not deleted ones.
        ("TTGACCCCAGTACG", "4M10S", Evidence.UNINFORMATIVE),
        ("TTGACCCCAGTACG", "4M1N10M", Evidence.UNINFORMATIVE),
    ],
)
def test_deletion_in_a_repeat(genome, bases, cigar, expected):
    assert shown(genome, (12, "AC", "A"), 8, bases, cigar)[0] is expected


@pytest.mark.parametrize(
    ("bases", "cigar", "expected"),
    [
        ("TTGACCCCCCAGTACG", "4M1I11M", Evidence.ALTERNATE),
        ("TTGACCCCCCAGTACG", "9M1I6M", Evidence.ALTERNATE),
        ("TTGACCCCCAGTACG", "15M", Evidence.REFERENCE),
        ("TTGACCCCCCCAGTACG", "9M2I6M", Evidence.OTHER),
        ("TTGACCGCCCAGTACG", "6M1I9M", Evidence.OTHER),
        ("TTGACCCCCC", "9M1I", Evidence.UNINFORMATIVE),
    ],
)
def test_insertion_in_a_repeat(genome, bases, cigar, expected):
    assert shown(genome, (12, "A", "AC"), 8, bases, cigar)[0] is expected


@pytest.mark.parametrize(
    ("bases", "cigar", "expected"),
    [
        ("GTAGCA", "6M", Evidence.ALTERNATE),
        ("GTTGCA", "6M", Evidence.REFERENCE),
        ("GTCGCA", "6M", Evidence.OTHER),
        ("GTNGCA", "6M", Evidence.OTHER),
        ("GTGCAT", "2M1D4M", Evidence.UNINFORMATIVE),
        ("GTAGCA", "2M1I3M", Evidence.OTHER),  # the A is inserted, the G stands at the place
        ("GTAAGC", "3M1I2M", Evidence.ALTERNATE),  # an insertion behind is another allele
        ("GTAGCA", "5H6M2H", Evidence.ALTERNATE),  # hard-clipped bases are not in the read
        ("GTAGCA", "2M1P4M", Evidence.ALTERNATE),
    ],
)
def test_substitution(genome, bases, cigar, expected):
    assert shown(genome, (5, "T", "A"), 2, bases, cigar)[0] is expected


@pytest.mark.parametrize(
    ("bases", "cigar", "expected"),
    [
        ("GTACCA", "6M", Evidence.ALTERNATE),
        ("GTACCA", "3M1I2M", Evidence.OTHER),
        ("GTAGCA", "6M", Evidence.OTHER),  # only one of the two bases
        ("GTA", "3M", Evidence.UNINFORMATIVE),
    ],
)
def test_substitution_of_two_bases(genome, bases, cigar, expected):
    assert shown(genome, (5, "TG", "AC"), 2, bases, cigar)[0] is expected


@pytest.mark.parametrize(
    ("allele", "cigar", "plain"),
    [
        ((20, "T", "G"), "38M", True),  # from 0; the allele is at 19
        ((20, "T", "G"), "29M1D9M", False),  # nine bases behind the allele
        ((20, "T", "G"), "30M1D8M", True),
        ((20, "T", "G"), "9M1D28M", False),
        ((20, "T", "G"), "8M1D29M", True),
        ((20, "T", "G"), "19M1D18M", False),
        ((20, "T", "G"), "3M1D25M1D9M", False),  # one of two gaps
        # The run of C is 12 to 16: wherever its own gap lies.
        ((12, "AC", "A"), "12M1D25M", True),
        ((12, "AC", "A"), "16M1D21M", True),
        ((12, "AC", "A"), "11M1D26M", False),
        ((12, "AC", "A"), "17M1D20M", False),
        ((12, "A", "AC"), "17M1I20M", True),
        ((12, "A", "AC"), "11M1I26M", False),
        # Two bases for two, and two for three.
        ((20, "TA", "CG"), "20M1I18M", True),
        ((20, "TA", "CG"), "21M1I17M", False),
        ((20, "TA", "CGG"), "19M1I19M", True),
        ((20, "TA", "CGG"), "21M1I17M", True),
        ((20, "TA", "CGG"), "22M1I16M", False),
    ],
)
def test_a_gap_beside_an_allele_is_its_own_or_leaves_it_in_doubt(genome, allele, cigar, plain):
    where = footprint(genome, "1", *allele, limit=100)
    read = make_read(len(GENOME), "read", 0, "A" * (38 + cigar.count("I")), cigar)
    assert layout(read).is_plain_at(where) is plain


@pytest.mark.parametrize(
    ("allele", "read", "expected"),
    [
        ((5, "T", "A"), (4, "AGC", "3M"), Evidence.ALTERNATE),
        ((5, "T", "A"), (2, "GTA", "3M"), Evidence.ALTERNATE),
        ((12, "AC", "A"), (11, "ACCCCA", "1M1D5M"), Evidence.ALTERNATE),
        ((9, "TT", "ACG"), (8, "ACGGA", "2M1I2M"), Evidence.UNINFORMATIVE),  # lacks the base before
    ],
)
def test_where_a_read_may_begin_and_end(genome, allele, read, expected):
    assert shown(genome, allele, *read)[0] is expected


@pytest.mark.parametrize(
    ("cigar", "interval", "flank", "expected"),
    [
        ("5S20M5S", (110, 111), 25, (5, 25)),
        ("5S20M5S", (110, 111), 3, (12, 19)),
        ("20M5N20M", (130, 131), 25, (20, 40)),  # not over the skip
        ("20M5N20M", (118, 126), 25, None),
        ("10M4D10M", (116, 117), 4, (10, 17)),  # the flank begins in the deletion
        ("10M4D10M", (105, 106), 7, (0, 10)),  # it ends there
        ("10M4I10M", (112, 113), 4, (8, 21)),
        ("10M4I10M", (105, 106), 4, (1, 10)),
        ("20M", (99, 101), 5, None),
        ("20M", (119, 121), 5, None),
        ("20M", (100, 120), 5, (0, 20)),
    ],
)
def test_the_part_over_an_allele_begins_and_ends_with_aligned_bases(
    cigar, interval, flank, expected
):
    read = make_read(
        1000, "read", 100, "A" * sum(map(int, re.findall(r"(\d+)[MIS]", cigar))), cigar
    )
    where = Footprint(*interval, "A" * (interval[1] - interval[0]), "", anchored=False)
    assert layout(read).part_over(where, flank) == expected


def test_replacement_of_another_length_begins_behind_the_base_before(genome):
    # TT at 8 becomes ACG.
    found, start, stop = shown(genome, (9, "TT", "ACG"), 6, "CAACGGA", "4M1I2M")
    assert (found, start, stop) == (Evidence.ALTERNATE, 2, 5)


def window(start, cigar, interval, length, *, contig_length=1000):
    bases = "A" * 60
    read = make_read(len(GENOME), "read", start, bases, cigar)
    return central_window(layout(read), *interval, length, contig_length)


@pytest.mark.parametrize(
    ("start", "cigar", "interval", "length", "expected"),
    [
        (100, "60M", (30, 31), 21, (20, 120)),  # ten bases on both sides
        (100, "60M", (30, 31), 20, (20, 120)),  # ten before, nine behind
        (100, "60M", (2, 3), 20, (0, 100)),  # as central as the read allows
        (100, "60M", (58, 59), 20, (40, 140)),
        (100, "5S50M5S", (8, 9), 20, (5, 100)),  # never over clipped bases
        (100, "5S50M5S", (52, 53), 20, (35, 130)),
        (100, "30M10N30M", (32, 33), 20, (30, 140)),  # never over a skip
        (100, "30M10N30M", (28, 32), 20, None),
        (100, "20M4I36M", (32, 33), 22, (19, 119)),  # begins with an aligned base
        (100, "60M", (30, 45), 14, None),  # too short for the allele
        (100, "50S10M", (52, 53), 20, None),
    ],
)
def test_window_is_as_central_as_it_can_be(start, cigar, interval, length, expected):
    assert window(start, cigar, interval, length) == expected


def test_window_stays_within_the_contig():
    assert window(100, "60M", (40, 41), 20) == (30, 130)
    assert window(100, "40M2D20M", (55, 56), 20, contig_length=156) == (36, 136)


@pytest.mark.parametrize("cigar", ["30M", "4S5M2I6M3D4=1X2M5S", "6M4N3M1I2M3N8M", "3S9I4S", "5M5M"])
def test_bases_and_positions_are_those_of_pysam(cigar):
    length = sum(int(n) for n, kind in re.findall(r"(\d+)([A-Z=])", cigar) if kind not in "DN")
    read = make_read(200, "read", 100, "A" * length, cigar)
    aligned = read.get_aligned_pairs(matches_only=True)
    lay, to_read = layout(read), {position: index for index, position in aligned}
    assert [lay.read_index(at) for at in range(90, 150)] == [*map(to_read.get, range(90, 150))]
    to_reference = dict(aligned)
    found = [lay.reference_position(at) for at in range(length)]
    assert found == [*map(to_reference.get, range(length))]
    for index in range(1 + min(to_reference, default=length), length + 1):
        before = max(at for at in to_reference if at < index)
        assert lay.reference_end(index) == to_reference[before] + 1


def test_no_block_or_gap_of_a_long_read_is_looped_over():
    class Indexed(tuple):
        __slots__ = ()

        def __iter__(self):
            raise AssertionError("there are thousands")

    read = make_read(200, "read", 0, "A" * 60, "10M5D10M5I10M5D25M")
    made = layout(read)
    lay = Layout(Indexed(made.blocks), made.stretches, Indexed(made.gaps))
    where = Footprint(30, 31, "A", "C", anchored=False)
    assert lay.is_plain_at(where) is layout(read).is_plain_at(where)
    assert lay.part_over(where, 3) == layout(read).part_over(where, 3)
    for at in range(60):
        assert lay.read_index(at) == layout(read).read_index(at)
        assert lay.reference_position(at) == layout(read).reference_position(at)
    assert [lay.reference_end(at) for at in (5, 30, 60)] == [5, 30, 65]
