import pysam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoflow.extract.written_alleles import write_allele

GENOME = "ACGTTGCAACCATGGTACGATTTTTTGCCAGTCATGACCTGA"


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    path = tmp_path_factory.mktemp("reference") / "genome.fa"
    path.write_text(f">chr1\n{GENOME}\n>chr2\n{GENOME[::-1]}\n")
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


def test_an_insertion_at_the_contigs_end_has_no_window(reference):
    assert written(reference, len(GENOME), "A", "AA", length=20) is None


def test_an_allele_longer_than_a_sequence_is_not_written(reference):
    assert written(reference, 12, "A", "A" + "C" * 20, length=20) is None
