"""From a ClinVar `MC` value to the most severe consequence, its impact and its score.

Terms are compared by their Sequence Ontology accession, because ClinVar spells some names in its
own way. Order and impacts are Ensembl's ("Calculated consequences",
https://www.ensembl.org/info/genome/variation/prediction/predicted_data.html).
"""

from dataclasses import dataclass

SCORES = {"HIGH": 10, "MODERATE": 5, "LOW": 2, "MODIFIER": 1, "NONE": 0}
"""Impact score of each impact."""

LEVELS = tuple(float(score) for score in sorted(set(SCORES.values())))
"""The scores from the lowest to the highest."""

# accession, name, impact; most severe first.
_TABLE = """
SO:0001893 transcript_ablation HIGH
SO:0001574 splice_acceptor_variant HIGH
SO:0001575 splice_donor_variant HIGH
SO:0001587 stop_gained HIGH
SO:0001589 frameshift_variant HIGH
SO:0001578 stop_lost HIGH
SO:0002012 start_lost HIGH
SO:0001582 initiator_codon_variant HIGH
SO:0001889 transcript_amplification HIGH
SO:0001907 feature_elongation HIGH
SO:0001906 feature_truncation HIGH
SO:0001821 inframe_insertion MODERATE
SO:0001822 inframe_deletion MODERATE
SO:0001820 inframe_indel MODERATE
SO:0001650 inframe_variant MODERATE
SO:0001583 missense_variant MODERATE
SO:0001818 protein_altering_variant MODERATE
SO:0001787 splice_donor_5th_base_variant LOW
SO:0001630 splice_region_variant LOW
SO:0002170 splice_donor_region_variant LOW
SO:0002169 splice_polypyrimidine_tract_variant LOW
SO:0001626 incomplete_terminal_codon_variant LOW
SO:0002019 start_retained_variant LOW
SO:0001567 stop_retained_variant LOW
SO:0001819 synonymous_variant LOW
SO:0001580 coding_sequence_variant MODIFIER
SO:0001620 mature_miRNA_variant MODIFIER
SO:0001623 5_prime_UTR_variant MODIFIER
SO:0001624 3_prime_UTR_variant MODIFIER
SO:0001792 non_coding_transcript_exon_variant MODIFIER
SO:0001627 intron_variant MODIFIER
SO:0001621 NMD_transcript_variant MODIFIER
SO:0001619 non_coding_transcript_variant MODIFIER
SO:0001968 coding_transcript_variant MODIFIER
SO:0001631 upstream_gene_variant MODIFIER
SO:0002152 genic_upstream_transcript_variant MODIFIER
SO:0001636 2KB_upstream_variant MODIFIER
SO:0001632 downstream_gene_variant MODIFIER
SO:0002153 genic_downstream_transcript_variant MODIFIER
SO:0001634 500B_downstream_variant MODIFIER
SO:0001895 TFBS_ablation MODIFIER
SO:0001892 TFBS_amplification MODIFIER
SO:0001782 TF_binding_site_variant MODIFIER
SO:0001894 regulatory_region_ablation MODIFIER
SO:0001891 regulatory_region_amplification MODIFIER
SO:0001566 regulatory_region_variant MODIFIER
SO:0001628 intergenic_variant MODIFIER
SO:0001060 sequence_variant MODIFIER
SO:0002073 no_sequence_alteration NONE
"""


@dataclass(frozen=True)
class Consequence:
    """A consequence term.

    Attributes
    ----------
    term
        Its name, as Ensembl writes it.
    impact
        HIGH, MODERATE, LOW, MODIFIER or NONE.
    severity
        Its rank; 0 is the most severe.
    """

    term: str
    impact: str
    severity: int

    @property
    def score(self) -> int:
        """The impact score, 0 to 10."""
        return SCORES[self.impact]


_ROWS = [line.split() for line in _TABLE.strip().splitlines()]
CONSEQUENCES = {
    accession: Consequence(term, impact, severity)
    for severity, (accession, term, impact) in enumerate(_ROWS)
}
"""Every known term, by SO accession."""

_ACCESSIONS = {consequence.term: accession for accession, consequence in CONSEQUENCES.items()}

_OTHER_NAMES = {
    # ClinVar's.
    "nonsense": "stop_gained",
    "non-coding_transcript_variant": "non_coding_transcript_variant",
    # SnpEff's: finer than Ensembl's, or its own.
    "conservative_inframe_insertion": "inframe_insertion",
    "disruptive_inframe_insertion": "inframe_insertion",
    "conservative_inframe_deletion": "inframe_deletion",
    "disruptive_inframe_deletion": "inframe_deletion",
    "5_prime_UTR_premature_start_codon_gain_variant": "5_prime_UTR_variant",
    "intergenic_region": "intergenic_variant",
    "conserved_intergenic_variant": "intergenic_variant",
    "intragenic_variant": "sequence_variant",
    "conserved_intron_variant": "intron_variant",
    "non_coding_exon_variant": "non_coding_transcript_exon_variant",
    # bcftools csq's.
    "5_prime_utr": "5_prime_UTR_variant",
    "3_prime_utr": "3_prime_UTR_variant",
    "non_coding": "non_coding_transcript_variant",
    "inframe_altering": "protein_altering_variant",
    **{
        name: f"{name}_variant"
        for name in (
            "synonymous", "missense", "frameshift", "splice_acceptor", "splice_donor",
            "splice_region", "stop_retained", "start_retained", "intron", "intergenic",
            "coding_sequence",
        )
    },
}  # fmt: skip
"""Names that ClinVar and annotation tools use, and Ensembl's term for each."""

REFERENCE = CONSEQUENCES["SO:0002073"]
"""What a read without any variant is labelled with."""


def consequence_named(term: str) -> Consequence | None:
    """Find a term by its name in Ensembl, ClinVar, SnpEff or bcftools csq; None: not known."""
    accession = _ACCESSIONS.get(_OTHER_NAMES.get(term, term))
    return None if accession is None else CONSEQUENCES[accession]


def molecular_consequence(consequence: Consequence) -> str:
    """Write a term as ClinVar's `MC` does: `SO:0001583|missense_variant`."""
    return f"{_ACCESSIONS[consequence.term]}|{consequence.term}"


def most_severe(mc: str) -> tuple[Consequence | None, tuple[str, ...]]:
    """Pick the most severe term of a ClinVar `MC` value.

    Parameters
    ----------
    mc
        Such as `SO:0001627|intron_variant,SO:0001819|synonymous_variant`; `&` separates too. A term
        without an accession, as in a VCF of one's own, is found by its name.

    Returns
    -------
    consequence
        The most severe known term; None where no term is known.
    unknown
        The terms that the table does not list, as they stand in the file.

    Examples
    --------
    >>> most_severe("SO:0001627|intron_variant,SO:0001587|nonsense")[0].term
    'stop_gained'
    """
    terms = [term for term in mc.replace("&", ",").split(",") if term and term != "."]
    first = [term.split("|")[0].strip() for term in terms]
    known = [CONSEQUENCES.get(part) or consequence_named(part) for part in first]
    unknown = tuple(term for term, found in zip(terms, known, strict=True) if found is None)
    found = [consequence for consequence in known if consequence is not None]
    return min(found, key=lambda consequence: consequence.severity, default=None), unknown
