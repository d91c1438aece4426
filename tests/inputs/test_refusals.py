"""What users are told where nothing is left, word by word."""

import pytest

from evoflow.inputs.inventory import Held
from evoflow.inputs.refusals import all_reads_shorter, listed, nothing_in_common, shortened
from evoflow.settings import DataSettings, Individual

ANN = Individual(sample="ann", reads="/ann.bam", variants="/ann.vcf.gz")


def settings(**more):
    return DataSettings(reference="/g.fa", clinvar="/c.vcf.gz", individuals=(ANN,), **more)


def held(*names):
    return Held({name: (name,) for name in names}, {}, dict.fromkeys(names, 1), {})


def test_both_files_contigs_are_named_with_the_reasons():
    said = nothing_in_common(
        settings(regions=("chr1",)),
        ANN,
        held("chr1"),
        held("chr2"),
        {("variant", "not in ClinVar"): 3, ("variant", "kept"): 0, ("record", "x"): 9},
    )
    assert said == (
        "/ann.vcf.gz: ClinVar knows none of these variants of 'ann' within regions chr1: they are "
        "on chr1, the records of /c.vcf.gz on chr2 (3 alleles: not in ClinVar); give a ClinVar "
        "file of the same genome build that covers them"
    )


def test_a_file_without_records_is_on_no_contig():
    assert listed(held()) == "no contig"
    assert listed(Held({"chr1": ("1", "chr1")}, {}, {"chr1": 2}, {"decoy": 1})) == "1, chr1, decoy"


@pytest.mark.parametrize(
    ("names", "said"), [("ab", "a, b"), ("abc", "a, b, c"), ("abcde", "a, b, c and 2 more")]
)
def test_of_many_names_the_first_few_are_given(names, said):
    assert shortened(names, 3) == said


def test_of_an_exomes_regions_the_first_few_are_given():
    regions = tuple(f"chr1:{start}-{start + 9}" for start in range(1, 5000, 10))
    said = nothing_in_common(settings(regions=regions), ANN, held("chr1"), held("chr2"))
    assert "within regions chr1:1-10, " in said
    assert "chr1:51-60 and 494 more: they are" in said


def test_reads_that_are_too_short_name_what_to_set():
    assert all_reads_shorter(ANN, settings(read_length=150), 100, 2000) == (
        "/ann.bam: each of the 2,000 reads looked at is shorter than read_length 150; the longest "
        "has 100 bases: set read_length: 100 or less"
    )
    assert "every read over a variant is" in all_reads_shorter(ANN, settings(), 100)


def test_reads_that_are_shorter_than_any_read_length_are_not_told_to_set_one():
    said = all_reads_shorter(ANN, settings(read_length=20), 19)
    assert "set read_length" not in said
    assert "no reads of fewer than 20 bases" in said
