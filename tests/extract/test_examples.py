"""The examples of a real person: NA12878's reads, variants and ClinVar's records of BRCA1."""

import pysam
import pytest

from evoflow.errors import InputError
from evoflow.extract.examples import extract_examples
from evoflow.inputs import preflight
from evoflow.settings import DataSettings, Individual
from evoflow.table import ALLELE, COLUMNS


def brca1(real, **settings):
    person = Individual(
        sample="NA12878",
        reads=str(real / "NA12878.brca1.bam"),
        variants=str(real / "NA12878.brca1.vcf.gz"),
    )
    paths = {"reference": real / "GRCh38.17.fa.gz", "clinvar": real / "clinvar.brca1.vcf.gz"}
    return DataSettings(
        **{name: str(path) for name, path in paths.items()}, individuals=(person,), **settings
    )


LOCI = {100: 500, 148: 2000}
"""Lengths of reads, and how many reference loci are wanted with each."""


@pytest.fixture(scope="module")
def extractions(real):
    """The examples for each length of reads."""
    return {
        length: extract_examples(brca1(real, read_length=length, reference_loci=loci), processes=1)
        for length, loci in LOCI.items()
    }


@pytest.mark.parametrize("read_length", LOCI)
def test_real_alleles_are_those_of_an_independent_count(real, extractions, read_length):
    data = brca1(real, read_length=read_length)
    assert preflight.check(data).genome_build == "GRCh38"
    examples = extractions[read_length].examples
    carriers = examples[examples["carries_alt"]]
    assert len(carriers.drop_duplicates(ALLELE)) == 157
    assert len(examples[~examples["carries_alt"]]) == LOCI[read_length]
    assert list(examples.columns) == list(COLUMNS)
    assert set(examples["sequence"].str.len()) == {read_length}
    assert set(examples["reference_sequence"].str.len()) == {read_length}
    shown = examples["alt"].where(examples["carries_alt"], examples["ref"])
    for bases, sequence, offset in zip(
        shown, examples["sequence"], examples["variant_offset"], strict=True
    ):
        assert sequence[offset:].startswith(bases)


def test_counts_add_up(extractions):
    examples, counts = extractions[100].examples, extractions[100].counts
    totals = counts.groupby("subject")["count"].sum()
    assert totals["variant"] == totals["genotype"] == 169
    assert counts.set_index(["subject", "reason"])["count"]["variant", "kept"] == 157
    reads = counts[counts["subject"] == "carrier read"].set_index("reason")["count"]
    assert reads.sum() == examples["carries_alt"].sum()
    several = reads["carries other alleles of the individual too"]
    assert several == (examples["other_alleles"] > 0).sum() > 0


def test_reads_that_are_too_short_name_the_length_to_set(real):
    with pytest.raises(InputError, match=r"19,226 reads looked at.*set read_length: 148"):
        preflight.check(brca1(real, read_length=150))


def test_nothing_in_common(real):
    person = Individual(
        sample="NA12878",
        reads=str(real / "NA12878.chr22.bam"),
        variants=str(real / "NA12878.chr22.bcf"),
    )
    data = brca1(real, read_length=100).model_copy(update={"individuals": (person,)})
    with pytest.raises(InputError, match=r"chr22.bam: holds no read on contigs of .*chr22"):
        preflight.check(data)


def test_rows_agree_with_a_pileup(real, extractions):
    examples = extractions[100].examples
    agreeing = 0
    with pysam.AlignmentFile(str(real / "NA12878.brca1.bam")) as reads:
        for (contig, position), rows in examples.groupby(["contig", "position"]):
            columns = reads.pileup(
                contig, position - 1, position,
                truncate=True, stepper="nofilter", min_base_quality=0, max_depth=10_000,
            )  # fmt: skip
            over = {
                (each.alignment.query_name, each.alignment.is_reverse): each
                for column in columns
                for each in column.pileups
                if not each.alignment.flag & 0xF04
            }
            for row in rows.itertuples():
                seen = over[row.read_name, row.strand == "-"]
                sequence = seen.alignment.query_sequence
                shown = row.alt if row.carries_alt else row.ref
                assert row.sequence[row.variant_offset :].startswith(shown)
                assert row.sequence in sequence
                if seen.query_position is None:
                    continue
                begin = seen.query_position - row.variant_offset
                # bwa left-aligns, so an indel stands behind its anchor.
                agreeing += sequence[begin : begin + 100] == row.sequence and seen.indel == len(
                    shown
                ) - len(row.ref)
    # The others have the gap of another allele beside theirs: their haplotypes decide.
    assert len(examples) > 1500
    assert agreeing >= len(examples) - 5


def test_no_sequence_of_score_0_has_another_score(real, extractions):
    examples = extractions[148].examples
    free = examples[~examples["carries_alt"]]
    assert len(free) == 2000
    assert free["impact_score"].eq(0).all()
    assert not set(free["sequence"]) & set(examples[examples["carries_alt"]]["sequence"])
    # Not every base of them is the reference's, but none is an allele that was called.
    with pysam.VariantFile(str(real / "NA12878.brca1.vcf.gz")) as file:
        called = {(each.pos, alt) for each in file for alt in each.alts if len(each.ref + alt) == 2}
    for row in free.itertuples():
        begin = row.position - row.variant_offset
        shown = set(enumerate(row.sequence, start=begin))
        differing = shown - set(enumerate(row.reference_sequence, start=begin))
        if len(differing) < 5:  # no gap
            assert not differing & called
