import pytest

from evoflow.impact import CONSEQUENCES, SCORES, most_severe

INTRON, MISSENSE = "SO:0001627|intron_variant", "SO:0001583|missense_variant"
SYNONYMOUS, DONOR = "SO:0001819|synonymous_variant", "SO:0001575|splice_donor_variant"


@pytest.mark.parametrize(
    ("value", "term", "impact", "score"),
    [
        # ClinVar's own spellings.
        ("SO:0001587|nonsense", "stop_gained", "HIGH", 10),
        ("SO:0001582|initiator_codon_variant", "initiator_codon_variant", "HIGH", 10),
        ("SO:0001619|non-coding_transcript", "non_coding_transcript_variant", "MODIFIER", 1),
        ("SO:0002073|no_sequence_alteration", "no_sequence_alteration", "NONE", 0),
        # Without accessions, as people write who make such a file.
        ("missense_variant", "missense_variant", "MODERATE", 5),
        ("intron_variant,nonsense", "stop_gained", "HIGH", 10),
        ("non-coding_transcript_variant", "non_coding_transcript_variant", "MODIFIER", 1),
        # The first is often not the most severe.
        (f"{INTRON},{SYNONYMOUS}", "synonymous_variant", "LOW", 2),
        (f"{MISSENSE},{DONOR}", "splice_donor_variant", "HIGH", 10),
        (f"{SYNONYMOUS},{MISSENSE},{INTRON}", "missense_variant", "MODERATE", 5),
        (f"SO:0001623|5_prime_UTR,{INTRON}", "5_prime_UTR_variant", "MODIFIER", 1),
        # Other separators, blanks and missing terms.
        (f"{INTRON}& {SYNONYMOUS},.,", "synonymous_variant", "LOW", 2),
    ],
)
def test_most_severe_term(value, term, impact, score):
    found, unknown = most_severe(value)
    assert found is not None
    assert (found.term, found.impact, found.score, unknown) == (term, impact, score, ())


def test_order_of_the_terms_does_not_matter():
    terms = ["SO:0001627|intron_variant", "SO:0001589|frameshift_variant", "SO:0001583|missense"]
    assert {most_severe(",".join(order))[0] for order in (terms, terms[::-1])} == {
        CONSEQUENCES["SO:0001589"]
    }


def test_unknown_terms_are_named():
    assert most_severe("SO:9999999|new_variant") == (None, ("SO:9999999|new_variant",))
    found, unknown = most_severe("SO:9999999|new_variant,SO:0001627|intron_variant")
    assert found == CONSEQUENCES["SO:0001627"]
    assert unknown == ("SO:9999999|new_variant",)


def test_severity_never_rises_with_a_lower_impact():
    scores = [consequence.score for consequence in CONSEQUENCES.values()]
    assert scores == sorted(scores, reverse=True)
    assert set(scores) == set(SCORES.values())


# The sequence variant terms of Ensembl release 110, most severe first.
ENSEMBL = """
transcript_ablation splice_acceptor_variant splice_donor_variant stop_gained frameshift_variant
stop_lost start_lost transcript_amplification feature_elongation feature_truncation
inframe_insertion inframe_deletion missense_variant protein_altering_variant
splice_donor_5th_base_variant splice_region_variant splice_donor_region_variant
splice_polypyrimidine_tract_variant incomplete_terminal_codon_variant start_retained_variant
stop_retained_variant synonymous_variant coding_sequence_variant mature_miRNA_variant
5_prime_UTR_variant 3_prime_UTR_variant non_coding_transcript_exon_variant intron_variant
NMD_transcript_variant non_coding_transcript_variant coding_transcript_variant
upstream_gene_variant downstream_gene_variant TFBS_ablation TFBS_amplification
TF_binding_site_variant regulatory_region_ablation regulatory_region_amplification
regulatory_region_variant intergenic_variant sequence_variant
"""


def test_terms_of_ensembl_are_all_there_in_its_order():
    ours = [consequence.term for consequence in CONSEQUENCES.values()]
    assert [term for term in ours if term in ENSEMBL.split()] == ENSEMBL.split()
