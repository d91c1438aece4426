import pandas as pd
import pysam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoflow.augment.sequences import unique_sequences
from evoflow.augment.strands import mirrored_offset
from evoflow.augment.visibility import first_difference, invisible_alleles, kept_bases, notes
from evoflow.extract.written_alleles import write_allele
from evoflow.settings import EmbeddingSettings

#         0123456789
WINDOW = "GGACTCTCTAGGATCCATGA"
FOUR = EmbeddingSettings(tokens={"window": 4})


@pytest.fixture
def repeats(table):
    """A copy of CT more, the same locus without it, a copy less, and a substitution."""
    return table(
        position=[3, 3, 3, 12],
        ref=["A", "A", "ACT", "G"],
        alt=["ACT", "ACT", "A", "T"],
        carries_alt=[True, False, True, True],
        variant_offset=[2, 2, 2, 11],
        individual=["A", "B", "A", "A"],
        sequence=[
            "GGACTCTCTCTAGGATCCAT",  # reads on with CT where the reference has AG, at base 9
            WINDOW,
            "GGACTCTAGGATCCATGATT",  # reads on with A where the reference has C, at base 7
            "GGACTCTCTAGTATCCATGA",
        ],
    ).assign(reference_sequence=WINDOW)


def test_an_allele_shows_where_its_repeat_ends(repeats):
    assert first_difference(repeats).tolist() == [9, 9, 7, 11]


def test_errors_and_other_alleles_of_a_read_do_not_move_it(repeats):
    wrong = repeats.iloc[[0]].assign(sequence="CGACTGTCTCTAGGATCCAT")
    assert first_difference(wrong).tolist() == [9]


def test_tokens_are_kept_around_it_in_read_and_window_alike(repeats):
    rows = repeats.reset_index(names="example").assign(reverse_complement=False)
    sequences, found = unique_sequences(repeats, rows[["example", "reverse_complement"]], FOUR)
    for kind in ("read", "window"):
        assert sequences["variant_offset"][found[kind]].tolist() == [9, 9, 7, 11]
    read, window = (sequences["sequence"][found[kind]].iloc[0] for kind in ("read", "window"))
    assert (read[7:11], window[7:11]) == ("CTCT", "CTAG")  # around 2 both are GGAC


def test_what_is_kept_is_mirrored(repeats):
    middle = first_difference(repeats)
    start, number = kept_bases(middle, 20, FOUR)
    assert (start.tolist(), number) == ([7, 7, 5, 9], 4)
    turned, _ = kept_bases(mirrored_offset(middle, 20, FOUR), 20, FOUR)
    assert turned.tolist() == [9, 9, 11, 7]  # 20 - 4 - start


def test_an_allele_is_not_seen_where_its_read_ends_first(repeats):
    # The read ends within the repeat: it has not one base that the reference has not.
    short = repeats.assign(
        sequence=repeats["sequence"].str[:9],
        reference_sequence=repeats["reference_sequence"].str[:9],
    ).iloc[:3]
    assert first_difference(short).tolist() == [8, 8, 7]
    assert invisible_alleles(short, FOUR).index.tolist() == [0]  # the deletion draws in an A
    (told,) = notes(short, FOUR)
    assert told == (
        "the head cannot see 1 of the alleles (chr1:3): their read equals the reference in all 4 "
        "tokens that are kept; raise model.embedding.tokens.window or data.read_length"
    )


def test_behind_a_deletion_that_outlasts_the_window_the_read_shows_it(repeats):
    row = repeats.iloc[[2]].assign(position=16, ref="CATGATTTTT", alt="C", variant_offset=15)
    for behind, at in (("TTCC", 16), ("ATCC", 18), ("ATGT", 19), ("ATGA", 19)):
        assert first_difference(row.assign(sequence=WINDOW[:16] + behind)).tolist() == [at]
    assert first_difference(row.assign(sequence=WINDOW, carries_alt=False)).tolist() == [16]


def test_means_show_a_difference_anywhere(repeats):
    left = repeats.iloc[[3]].assign(variant_offset=2, ref="A", alt="G")  # differs at 11 alone
    assert len(invisible_alleles(left, FOUR)) == 1
    assert notes(left, FOUR.model_copy(update={"tokens": "mean"})) == []
    assert notes(repeats, FOUR) == []


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    path = tmp_path_factory.mktemp("reference") / "genome.fa"
    path.write_text(">chr1\n" + "GATTACA" + "CAG" * 12 + "TTCCA" * 6 + "GGCATC" * 9 + "TACGT\n")
    pysam.faidx(str(path))
    with pysam.FastaFile(str(path)) as fasta:
        yield fasta


@given(
    position=st.integers(1, 110),
    deleted=st.integers(1, 24),
    copied=st.integers(0, 24),
    length=st.integers(50, 80),
)
def test_a_written_allele_shows_at_the_first_base_that_differs(
    genome, *, position, deleted, copied, length
):
    # An insertion copies what follows, as a duplication does.
    ref = genome.fetch("chr1", position - 1, position - 1 + (1 if copied else deleted))
    alt = ref[0] + genome.fetch("chr1", position, position + copied)
    made = None if alt == ref else write_allele(genome, "chr1", position, ref, alt, length=length)
    if made is None:
        return
    allele = {"individual": "A", "contig": "chr1", "position": position, "ref": ref, "alt": alt}
    names = ("sequence", "reference_sequence", "variant_offset")
    example = pd.DataFrame([allele | {"carries_alt": True} | dict(zip(names, made, strict=True))])
    sequence, window, _ = made
    brute = next(at for at in range(length) if sequence[at] != window[at])
    assert first_difference(example).tolist() == [brute]
    assert invisible_alleles(example, EmbeddingSettings(tokens={"window": 1})).empty
