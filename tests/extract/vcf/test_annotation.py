"""What VEP, SnpEff and bcftools csq wrote, matched by hand with the alleles of a record."""

import pytest

from evoflow.extract.vcf.annotation import Annotation
from evoflow.inputs.consequence_field import Subfields

CSQ = Subfields(consequence=1, allele=0)
NUMBERED = Subfields(consequence=1, allele=0, allele_number=2)
ANN = Subfields(consequence=1, allele=0, allele_is_alt=True)
BCSQ = Subfields(consequence=0, dna_change=6)

MISSENSE, INTRON, STOP = "SO:0001583|missense_variant", "SO:0001627|intron_variant", (
    "SO:0001587|stop_gained"
)  # fmt: skip


def of_alleles(subfields, *own, others=()):
    def columns(position, ref, alts, value):
        every = ["1", str(position), ".", ref, alts, ".", ".", ".", value]
        return [column.encode() for column in every]

    annotation = Annotation(subfields)
    annotation.gather([columns(*record) for record in (*others, own)])
    return annotation.of_alleles(columns(*own))


def test_transcripts_of_an_allele_are_put_together():
    value = "T|intron_variant|A,T|missense_variant&splice_region_variant|B,T|intron_variant|C"
    assert of_alleles(CSQ, 9, "C", "T", value) == [
        f"{INTRON}&{MISSENSE}&SO:0001630|splice_region_variant"
    ]
    assert of_alleles(CSQ, 9, "C", "T", ".") == ["."]
    assert of_alleles(CSQ, 9, "C", "T", "T||A") == ["."]


@pytest.mark.parametrize(
    ("ref", "alts", "names"),
    [
        ("C", "T,G", "TG"),  # substitutions are spelled out
        ("CA", "C,CAA", ["-", "AA"]),  # VEP takes off the first base, which all share
        ("CA", "C,T", ["C", "T"]),  # not all share it
        ("CAA", "CA,*", ["A", "*"]),
        ("CA", "C,CAA", ["-", "A"]),  # VEP with --minimal
        ("CAAG", "CAG,CTAG", ["-", "T"]),
        ("ACGT", "A,ACGTCGT", ["-", "CGTCGT"]),
    ],
)
def test_an_allele_is_found_as_vep_spells_it(ref, alts, names):
    value = f"{names[1]}|stop_gained,{names[0]}|missense_variant,{names[1]}|intron_variant"
    assert of_alleles(CSQ, 9, ref, alts, value) == [MISSENSE, f"{STOP}&{INTRON}"]


def test_snpeff_spells_an_allele_as_alt():
    value = "CAA|stop_gained|HIGH,C|missense_variant&intron_variant|LOW"
    assert of_alleles(ANN, 9, "CA", "C,CAA", value) == [f"{MISSENSE}&{INTRON}", STOP]


def test_entries_of_alleles_that_a_record_lost_do_not_count():
    # `bcftools norm -m -` leaves all entries in both halves of a split record.
    value = "A|stop_gained,AA|missense_variant"
    assert of_alleles(CSQ, 9, "C", "CAA", value) == [MISSENSE]
    assert of_alleles(CSQ, 9, "C", "CA", value) == [STOP]
    value = "CA|stop_gained,CAA|missense_variant"
    assert of_alleles(ANN, 9, "C", "CAA", value) == [MISSENSE]
    value = "T|stop_gained|1,G|missense_variant|2"
    assert of_alleles(NUMBERED, 9, "C", "G", value) == [MISSENSE]


def test_an_alleles_number_counts_first():
    value = "-|stop_gained|2,-|missense_variant|1"
    assert of_alleles(NUMBERED, 9, "CAA", "CA,C", value) == [MISSENSE, STOP]


def test_one_allele_that_was_moved_after_it_was_annotated_is_found():
    assert of_alleles(CSQ, 9, "GTT", "G", "TT|stop_gained") == [STOP]
    assert of_alleles(CSQ, 9, "G", "A,C", "TT|stop_gained") == [".", "."]


def test_escapes_are_undone_and_unknown_terms_kept():
    value = "T|missense_variant%26new%3Bterm=x|a%2Cb"
    assert of_alleles(CSQ, 9, "C", "T", value) == [f"{MISSENSE}&new_term_x"]


def test_bcftools_names_the_change_of_bases():
    value = (
        "synonymous|G|T|protein_coding|+|2R|126T>A,*missense|G|T|protein_coding|+|2R>2K|126T>C,"
        "splice_region|G|T|protein_coding"
    )
    region = "SO:0001630|splice_region_variant"
    assert of_alleles(BCSQ, 126, "T", "A,C", value) == [
        f"SO:0001819|synonymous_variant&{region}", f"{MISSENSE}&{region}",
    ]  # fmt: skip
    # Split and trimmed: 126 TG>TC is 127 G>C.
    changed = "missense|G|T|protein_coding|+|2R>2K|126TG>TC,stop_gained|G|T|p|+|2R>2*|126TG>TA"
    assert of_alleles(BCSQ, 127, "G", "C", changed) == [MISSENSE]


def test_bcftools_describes_changes_of_one_codon_at_one_of_them():
    told = "missense|G|T|protein_coding|+|4R>4N|130C>A+131G>A,synonymous|G|T|p|+|4R|130C>A"
    at_130, at_131 = (130, "C", "A", told), (131, "G", "A", "@130")
    synonymous = "SO:0001819|synonymous_variant"
    assert of_alleles(BCSQ, *at_130, others=[at_131]) == [f"{MISSENSE}&{synonymous}"]
    assert of_alleles(BCSQ, *at_131, others=[at_130]) == [MISSENSE]
    assert of_alleles(BCSQ, 131, "G", "T", "@130", others=[at_130]) == ["."]
