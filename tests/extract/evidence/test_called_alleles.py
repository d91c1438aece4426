"""What reads show of an individual's alleles, some of them beside each other."""

from random import Random

import pandas as pd
import pysam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoflow.extract.evidence import called_alleles
from evoflow.extract.evidence.alignment import Evidence, layout
from evoflow.extract.evidence.called_alleles import CalledAlleles
from evoflow.extract.vcf.normalise import KEY
from tests.extract.worlds import make_read

RANDOM = "".join(Random(5).choices("ACGT", k=240))
GENOME = RANDOM[:100] + "TCAAAAAAAAAAGT" + RANDOM[114:]
"""A run of ten A from 102 to 112, after a C."""

SNV = (107, "A", "G")
DELETION = (102, "CA", "C")


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    path = tmp_path_factory.mktemp("genome") / "genome.fa"
    path.write_text(f">1\n{GENOME.lower()}\n")
    pysam.faidx(str(path))
    with pysam.FastaFile(str(path)) as opened:
        yield opened


def called(genome, *alleles):
    return CalledAlleles(genome, "1", pd.DataFrame(sorted(alleles), columns=KEY), 100)


def show(alleles, key, bases, cigar, start=60):
    read = make_read(len(GENOME), "read", start, bases, cigar)
    return alleles.shown(layout(read), bases, alleles.footprint(*key))


def haplotype(*edits):
    """Replace reference bases, given 0-based, from the right to the left."""
    bases = GENOME
    for start, stop, alt in sorted(edits, reverse=True):
        bases = bases[:start] + alt + bases[stop:]
    return bases


def test_a_substitution_within_its_repeat_does_not_hide_a_deletion(genome):
    alleles = called(genome, DELETION, SNV)
    both = haplotype((102, 103, ""), (106, 107, "G"))[60:140]
    seen = show(alleles, DELETION, both, "42M1D38M")
    assert seen.evidence is Evidence.ALTERNATE
    assert both[seen.start] == "C"
    assert show(alleles, SNV, both, "42M1D38M").evidence is Evidence.ALTERNATE


def test_a_deletion_may_lie_on_either_side_of_the_substitution(genome):
    # Both are called as if the first A was missing; here it is one behind the G.
    alleles = called(genome, DELETION, SNV)
    both = haplotype((106, 107, "G"), (108, 109, ""))[60:140]
    assert show(alleles, DELETION, both, "48M1D32M").evidence is Evidence.ALTERNATE


def test_the_substitution_alone_shows_no_deletion(genome):
    alleles = called(genome, DELETION, SNV)
    only = haplotype((106, 107, "G"))[60:140]
    assert show(alleles, DELETION, only, "80M").evidence is Evidence.REFERENCE


def test_a_substitution_is_seen_behind_a_deletion_that_was_aligned_without_a_gap(genome):
    # The read ends soon behind the run: by its CIGAR the G stands at the base before its own.
    both = haplotype((102, 103, ""), (106, 107, "G"))[60:118]
    seen = show(called(genome, DELETION, SNV), SNV, both, "58M")
    assert (seen.evidence, both[seen.start]) == (Evidence.ALTERNATE, "G")


def test_two_of_a_repeat_are_not_one(genome):
    alleles = called(genome, DELETION)
    two = haplotype((102, 104, ""))[60:140]
    assert show(alleles, DELETION, two, "42M2D38M").evidence is Evidence.OTHER


def test_a_read_that_ends_in_the_repeat_does_not_tell(genome):
    alleles = called(genome, DELETION, SNV)
    both = haplotype((102, 103, ""), (106, 107, "G"))[60:108]
    assert show(alleles, DELETION, both, "42M1D6M").evidence is Evidence.UNINFORMATIVE


@pytest.mark.parametrize("cigar", ["80S", "80I", "40S10N40S", "40S30D40S"])
def test_a_read_without_an_aligned_base_does_not_tell(genome, cigar):
    assert show(called(genome, DELETION), DELETION, GENOME[60:140], cigar, 95) == (
        Evidence.UNINFORMATIVE, 0, 0,
    )  # fmt: skip


def test_an_insertion_and_a_deletion_that_look_like_substitutions(genome):
    # CGT after 150 is inserted and the next three bases are deleted: aligned without a gap.
    alleles_are = [(150, GENOME[149], GENOME[149] + "CGT"), (150, GENOME[149:153], GENOME[149])]
    alleles = called(genome, *alleles_are)
    assert GENOME[150:153] not in {"CGT", ""}
    both = haplotype((150, 153, "CGT"))[110:190]
    assert show(alleles, alleles_are[0], both, "80M", 110).evidence is Evidence.ALTERNATE
    assert show(alleles, alleles_are[1], both, "80M", 110).evidence is Evidence.ALTERNATE


def test_the_same_change_called_twice_counts_for_all(genome):
    # An MNV, and its two substitutions: what reads show is plain.
    ref = GENOME[149:151]
    alt = "".join("ACGT"[("ACGT".index(base) + 1) % 4] for base in ref)
    listed = [(150, ref, alt), (150, ref[0], alt[0]), (151, ref[1], alt[1])]
    alleles = called(genome, *listed)
    bases = haplotype((149, 151, alt))[110:190]
    for each in listed:
        assert show(alleles, each, bases, "80M", 110).evidence is Evidence.ALTERNATE


def test_a_substitution_is_not_part_of_the_other_haplotypes_mnv(genome):
    ref = GENOME[149:151]
    alt = "".join("ACGT"[("ACGT".index(base) + 1) % 4] for base in ref)
    substitution = (150, ref[0], alt[0])
    alleles = called(genome, (150, ref, alt), substitution)
    bases = haplotype((149, 151, alt))[110:190]
    assert show(alleles, substitution, bases, "80M", 110).evidence is Evidence.REFERENCE
    bases = haplotype((149, 150, alt[0]))[110:190]
    assert show(alleles, substitution, bases, "80M", 110).evidence is Evidence.ALTERNATE


def test_alleles_nearby_are_found_by_their_repeat(genome):
    alleles = called(genome, DELETION, SNV, (160, GENOME[159:165], GENOME[159]))
    assert [each.start for each in alleles.near(110, 120)] == [101]  # its run ends at 112
    assert [each.start for each in alleles.near(112, 159)] == []
    assert [each.start for each in alleles.near(90, 240)] == [101, 106, 159]
    own = alleles.footprint(*SNV)
    assert [each.start for each in alleles.near(90, 120, besides=own)] == [101]


def test_a_long_allele_is_found_from_its_end(genome, monkeypatch):
    monkeypatch.setattr(called_alleles, "_LONG", 30)
    monkeypatch.setattr(called_alleles, "_PAST_LIMIT", -100)  # repeats are followed nowhere
    long, short = (20, GENOME[19:180], GENOME[19]), (120, GENOME[119:149], GENOME[119])
    alleles = called(genome, long, short)
    for start, stop, found in (
        (178, 179, [19]),
        (10, 20, [19]),
        (10, 19, []),
        (147, 148, [119, 19]),
    ):
        assert [each.start for each in alleles.near(start, stop)] == found


@given(
    position=st.integers(125, 190),
    deleted=st.integers(1, 5),
    alt=st.text("ACGT", min_size=1, max_size=5),
    moved=st.integers(-6, 6),
)
def test_wherever_the_gap_is_placed(genome, position, deleted, alt, moved):
    """A deletion-insertion is seen, and not seen in a read of the reference."""
    ref = GENOME[position : position + deleted]
    if len(ref) == len(alt) or ref[0] == alt[0] or ref[-1] == alt[-1]:
        return
    key = (position + 1, ref, alt)
    alleles = called(genome, key)
    bases = haplotype((position, position + deleted, alt))
    bases = bases[position - 60 : position + len(alt) + 60 - deleted]
    gap = 60 + moved if moved < 0 else 60 + min(deleted, len(alt)) + moved
    longer = len(alt) - deleted
    rest = len(bases) - gap - max(0, longer)
    cigar = f"{gap}M{abs(longer)}{'I' if longer > 0 else 'D'}{rest}M"
    seen = show(alleles, key, bases, cigar, position - 60)
    assert seen.evidence is Evidence.ALTERNATE
    assert bases[seen.start :].startswith(alt)
    reference = GENOME[position - 60 : position + 60]
    assert (
        show(alleles, key, reference, f"{len(reference)}M", position - 60).evidence
        is Evidence.REFERENCE
    )
