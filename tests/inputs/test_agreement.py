import pytest

from evoflow.errors import InputError
from evoflow.inputs import preflight
from evoflow.inputs.agreement import (
    Differing,
    Looked,
    contigs_of_another_length,
    contigs_of_other_bases,
    difference,
)
from evoflow.inputs.contigs import Genome
from evoflow.inputs.inventory import held_of
from tests.inputs.odd_files import HEADER, OddWorld, calls, row


def looked(records, differing):
    return Looked(records, Differing(differing, ("chr1:5 has A, not C",)))


@pytest.mark.parametrize(
    ("compared", "left_out"),
    [
        ({"chr1": looked(5, 0)}, set()),
        ({"chr1": looked(2, 1)}, set()),  # a single one is left out and counted
        ({"chr1": looked(5000, 5)}, set()),  # and one in a thousand
        ({"chr1": looked(207, 0), "chrM": looked(25, 25)}, {"chrM"}),
        ({"chr1": looked(207, 0), "chrM": looked(1, 1)}, set()),
        ({}, set()),
    ],
)
def test_few_records_or_few_contigs_may_differ(compared, left_out):
    assert set(contigs_of_other_bases("ref.fa", "calls.vcf.gz", compared)) == left_out


def test_a_difference_is_told_in_a_few_words():
    assert difference("chr1", 5, "A", "C") == "chr1:5 has A, not C"
    assert difference("chr1", 0, "A", "") == "chr1:0 has A, where the reference has no base"
    long = (
        "chr1:5 has AAAAAAAAAAAAAAAAAAAA... (2,000 bases), not CGCGCGCGCGCGCGCGCGCG... (30 bases)"
    )
    assert difference("chr1", 5, "A" * 2000, "CG" * 15) == long


@pytest.mark.parametrize(
    "compared",
    [
        {"chr1": looked(1, 1)},
        {"chr1": looked(254, 3)},
        {"chr1": looked(80, 60)},
        {"chr1": looked(500, 380), "chrM": looked(30, 0)},  # builds share the mitochondrion
    ],
)
def test_a_file_of_another_build_is_refused(compared):
    with pytest.raises(InputError, match=r"calls.vcf.gz: REF differs from ref.fa in"):
        contigs_of_other_bases("ref.fa", "calls.vcf.gz", compared)


def test_lengths_of_most_of_the_genome_must_agree():
    genome = Genome({"chr1": 1000, "chr2": 800, "chrM": 16})

    def held(**lengths):
        return held_of(genome, lengths, dict.fromkeys(lengths, 1))

    one = contigs_of_another_length(
        "ref.fa", genome, "a.bam", held(chr1=1000, chrM=17), genome.lengths
    )
    assert set(one) == {"chrM"}
    assert "it has 17 bases in a.bam, 16 in ref.fa" in one["chrM"]
    with pytest.raises(InputError, match=r"a.bam: its contig chr1 has 999 bases.*2 of 3 contigs"):
        contigs_of_another_length(
            "ref.fa", genome, "a.bam", held(chr1=999, chr2=801, chrM=16), genome.lengths
        )
    # What is outside the regions is not compared.
    assert not contigs_of_another_length(
        "ref.fa", genome, "a.bam", held(chr1=1, chr2=800), ["chr2"]
    )


def test_a_record_that_cannot_be_read_is_named(tmp_path):
    depth = b'##FORMAT=<ID=DP,Number=1,Type=Integer,Description="">'
    rows = [*calls()[:1], row("chr1", 600, format=b"GT:DP", gt=b"0/1:abc"), *calls()[2:]]
    data = OddWorld(header=[*HEADER, depth], calls=rows).write(tmp_path)
    with pytest.raises(InputError, match=r"person.vcf.gz: the first record behind chr1:400 cannot"):
        preflight.check(data)
