"""Carriers decided by hand-written alignments."""

import pysam
import pytest

from evoflow.extract.evidence.alignment import Evidence, central_window, evidence, footprint, layout
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
