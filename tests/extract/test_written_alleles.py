import pandas as pd
import pysam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoflow.extract.written_alleles import placed, write_allele

GENOME = "ACGTTGCAACCATGGTACGATTTTTTGCCAGTCATGACCTGA"


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    path = tmp_path_factory.mktemp("reference") / "genome.fa"
    path.write_text(f">chr1\n{GENOME.lower()}\n>chr2\n{GENOME[::-1]}\n")
    pysam.faidx(str(path))
    return str(path)


def written(reference, *allele, length):
    with pysam.FastaFile(reference) as genome:
        return write_allele(genome, "chr1", *allele, length=length)


def test_a_substitution_stands_in_the_middle(reference):
    # Position 13 (1-based) is the T of ATGG; of ten bases, four stand left of it.
    assert GENOME[12] == "T"
    assert written(reference, 13, "T", "A", length=10) == ("ACCAAGGTAC", "ACCATGGTAC", 4)


def test_a_deletion_brings_in_bases_from_the_right(reference):
    sequence, window, offset = written(reference, 12, "ATGG", "A", length=10)
    assert (sequence, window, offset) == ("AACCATACGA", "AACCATGGTA", 4)


def test_an_insertion_pushes_bases_out_on_the_right(reference):
    sequence, window, offset = written(reference, 12, "A", "ACCC", length=10)
    assert (sequence, window, offset) == ("ACCACCCTGG", "ACCATGGTAC", 3)


@given(
    position=st.integers(1, 25),
    deleted=st.integers(1, 6),
    alt=st.text("ACGT", min_size=1, max_size=6),
    length=st.integers(20, 24),
)
def test_what_is_written_is_the_haplotype_and_its_window(reference, position, deleted, alt, length):
    ref = GENOME[position - 1 : position - 1 + deleted]
    if alt == ref:
        return
    sequence, window, offset = written(reference, position, ref, alt, length=length)
    begin = position - 1 - offset
    haplotype = GENOME[: position - 1] + alt + GENOME[position - 1 + len(ref) :]
    assert sequence == haplotype[begin : begin + length]
    assert window == GENOME[begin : begin + length]
    assert sequence[offset:].startswith(alt)
    row = {"position": position, "ref": ref, "alt": alt, "sequence": sequence}
    lies = placed(pd.DataFrame([row | {"variant_offset": offset}])).iloc[0]
    assert lies["reference_start"] == begin
    assert GENOME[lies["reference_end"] :] == haplotype[begin + length :]


def test_at_the_contigs_end_a_sequence_moves_left_as_far_as_it_must(reference):
    end = len(GENOME)
    # A deletion draws in bases from the right, of which there must be enough.
    deleted = GENOME[end - 8 : end - 4]
    sequence, window, offset = written(reference, end - 7, deleted, deleted[0], length=20)
    assert sequence == GENOME[end - 23 : end - 7] + GENOME[end - 4 :]
    assert (window, offset) == (GENOME[end - 23 : end - 3], 15)
    # An insertion pushes bases out, but the window needs them.
    sequence, window, offset = written(reference, end - 7, deleted[0], f"{deleted[0]}G", length=20)
    assert sequence == GENOME[end - 20 : end - 7] + "G" + GENOME[end - 7 : end - 1]
    assert (window, offset) == (GENOME[end - 20 :], 12)


def test_an_insertion_at_the_contigs_end_has_no_window(reference):
    assert written(reference, len(GENOME), "A", "AA", length=20) is None


def test_an_allele_longer_than_a_sequence_is_not_written(reference):
    assert written(reference, 12, "A", "A" + "C" * 20, length=20) is None
