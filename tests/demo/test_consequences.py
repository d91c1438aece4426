from collections import Counter
from itertools import pairwise

import pytest

from evoflow.demo.consequences import Allele, consequences, left_align, shiftable
from evoflow.demo.genes import Gene, Transcript

# The standard code as textbooks print it, amino acid by amino acid.
CODONS = {
    "A": "GCT GCC GCA GCG", "R": "CGT CGC CGA CGG AGA AGG", "N": "AAT AAC", "D": "GAT GAC",
    "C": "TGT TGC", "Q": "CAA CAG", "E": "GAA GAG", "G": "GGT GGC GGA GGG", "H": "CAT CAC",
    "I": "ATT ATC ATA", "L": "TTA TTG CTT CTC CTA CTG", "K": "AAA AAG", "M": "ATG",
    "F": "TTT TTC", "P": "CCT CCC CCA CCG", "S": "TCT TCC TCA TCG AGT AGC",
    "T": "ACT ACC ACA ACG", "W": "TGG", "Y": "TAT TAC", "V": "GTT GTC GTA GTG",
    "*": "TAA TAG TGA",
}  # fmt: skip
AMINO_ACIDS = {codon: letter for letter, codons in CODONS.items() for codon in codons.split()}

#           0         1         2         3         4         5         6
#           0123456789012345678901234567890123456789012345678901234567890123456
CONTIG = "TTTTTTTTTTCACCATGGCTAAGGTAAGTTTTTTTTTCAGGCATGGGCTTAACCCTTTTTTTTTTTT"
#                   cacc ATGGCTAAG gtaagtttttttttcag GCATGGGCTTAA ccctt     M A K A W A *
EXONS = ((10, 23), (40, 57))
CODING = (14, 52)

SUBSTITUTIONS = [
    (11, "A", "G", "5_prime_UTR_variant"),
    (14, "A", "G", "initiator_codon_variant"),
    (19, "T", "C", "synonymous_variant"),
    (18, "C", "A", "missense_variant"),
    (20, "A", "T", "nonsense"),
    (45, "G", "A", "nonsense"),
    (23, "G", "A", "splice_donor_variant"),
    (24, "T", "C", "splice_donor_variant"),
    (25, "A", "G", "intron_variant"),
    (38, "A", "C", "splice_acceptor_variant"),
    (39, "G", "A", "splice_acceptor_variant"),
    (49, "T", "C", "stop_lost"),
    (51, "A", "G", "synonymous_variant"),
    (53, "C", "A", "3_prime_UTR_variant"),
]
INDELS = [
    (17, "GC", "G", ("frameshift_variant",)),
    (18, "C", "CA", ("frameshift_variant",)),
    (19, "TAAG", "T", ("inframe_deletion",)),
    (18, "C", "CAAA", ("inframe_insertion",)),
    (19, "T", "TTAA", ("nonsense",)),
    (28, "TT", "T", ("intron_variant",)),
    (21, "AG", "A", ()),  # the G rolls over the end of the exon
    (22, "G", "GA", ()),  # between exon and intron
    (48, "TT", "T", ("frameshift_variant",)),  # a T of the codon before the stop
    (48, "TTAA", "T", ()),  # the stop codon itself
]


def toy(strand, exons, coding, *further):
    return Gene("TOY", 1, "chr1", strand, (Transcript(exons, coding), *further))


def complement(bases):
    return bases.translate(str.maketrans("ACGT", "TGCA"))


@pytest.mark.parametrize(("start", "ref", "alt", "term"), SUBSTITUTIONS)
def test_a_substitution_on_either_strand(start, ref, alt, term):
    assert CONTIG[start] == ref
    forward = Allele("chr1", start, ref, alt)
    assert consequences(CONTIG, toy("+", EXONS, CODING), forward) == (term,)
    size = len(CONTIG)
    exons = tuple((size - right, size - left) for left, right in reversed(EXONS))
    backward = Allele("chr1", size - 1 - start, complement(ref), complement(alt))
    gene = toy("-", exons, (size - CODING[1], size - CODING[0]))
    assert consequences(complement(CONTIG[::-1]), gene, backward) == (term,)


@pytest.mark.parametrize(("start", "ref", "alt", "terms"), INDELS)
def test_an_indel(start, ref, alt, terms):
    assert CONTIG[start:].startswith(ref)
    assert consequences(CONTIG, toy("+", EXONS, CODING), Allele("chr1", start, ref, alt)) == terms


def test_every_transcript_gives_its_term_once():
    silent = Transcript(EXONS, None)
    gene = toy("+", EXONS, CODING, silent, silent)
    missense = Allele("chr1", 18, "C", "A")
    expected = ("missense_variant", "non-coding_transcript_variant")
    assert consequences(CONTIG, gene, missense) == expected
    assert consequences(CONTIG, gene, Allele("chr1", 5, "T", "A")) == ()


def test_indels_roll():
    in_run = Allele("chr1", 33, "TT", "T")
    assert left_align(CONTIG, in_run) == Allele("chr1", 27, "GT", "G")
    assert shiftable(CONTIG, Allele("chr1", 27, "GT", "G")) == 8
    assert shiftable(CONTIG, Allele("chr1", 18, "C", "A")) == 0


def test_clinvar_agrees_with_another_translation(world):
    """Each record's terms are those of splicing and translating the whole mutated gene."""
    differing = []
    for record in world.clinvar:
        if record.gene:
            sequence = world.genome.sequences[record.allele.contig]
            terms = {
                expected_term(sequence, record.gene.strand, transcript, record.allele)
                for transcript in record.gene.transcripts
            }
            if terms != set(record.terms):
                differing.append((record, terms))
    assert not differing


def expected_term(sequence, strand, transcript, allele):
    old = Messenger(sequence, strand, transcript.exons, transcript.coding)
    # A border moves by the change in length when the allele lies on its left.
    change = len(allele.alt) - len(allele.ref)
    after = sequence[: allele.start] + allele.alt + sequence[allele.end :]

    def moved(interval):
        return tuple(edge + change * (edge >= allele.end) for edge in interval)

    exons = [moved(exon) for exon in transcript.exons]
    coding = transcript.coding and moved(transcript.coding)
    new = Messenger(after, strand, exons, coding)
    if new.introns != old.introns:
        return intron_term(new.introns)
    if coding is None:
        assert new.whole != old.whole
        return "non-coding_transcript_variant"
    if new.leader != old.leader:
        return "5_prime_UTR_variant"
    if new.coding == old.coding:
        assert new.whole != old.whole
        return "3_prime_UTR_variant"
    return protein_term(old, new)


def intron_term(introns):
    if any(intron[:2] != "GT" for intron in introns):
        return "splice_donor_variant"
    if any(intron[-2:] != "AG" for intron in introns):
        return "splice_acceptor_variant"
    return "intron_variant"


def protein_term(old, new):
    if new.coding[:3] != "ATG":
        return "initiator_codon_variant"
    if len(new.coding) % 3:
        return "frameshift_variant"
    if new.protein == old.protein:
        return "synonymous_variant"
    # What a ribosome makes: up to the first stop, beyond the old one if it must.
    if len(new.protein) * 3 > len(new.coding):
        return "stop_lost"
    if len(new.protein) * 3 < len(new.coding):
        return "nonsense"
    sizes = {-1: "inframe_deletion", 0: "missense_variant", 1: "inframe_insertion"}
    return sizes[(len(new.coding) > len(old.coding)) - (len(new.coding) < len(old.coding))]


class Messenger:
    """Introns, spliced bases and protein of a transcript, read on the gene's own strand."""

    def __init__(self, sequence, strand, exons, coding):
        def read(left, right):
            return sequence[left:right] if strand == "+" else complement(sequence[left:right])[::-1]

        ordered = exons if strand == "+" else exons[::-1]
        self.whole = "".join(read(*exon) for exon in ordered)
        gaps = [(a[1], b[0]) for a, b in pairwise(exons)]
        self.introns = [read(*gap) for gap in gaps]
        if coding is None:
            return
        spliced = [position for exon in exons for position in range(*exon)]
        first, last = spliced.index(coding[0]), spliced.index(coding[1] - 1)
        if strand == "-":
            first, last = len(spliced) - 1 - last, len(spliced) - 1 - first
        self.leader, self.coding = self.whole[:first], self.whole[first : last + 1]
        downstream = self.whole[first:]
        self.protein = ""
        for start in range(0, len(downstream) - 2, 3):
            self.protein += AMINO_ACIDS[downstream[start : start + 3]]
            if self.protein.endswith("*"):
                break


def test_every_term_occurs_often(world):
    known = {record.allele: record for record in world.clinvar}
    carried = Counter(
        term
        for call in world.calls
        if any(call.genotype) and call.allele in known
        for term in known[call.allele].terms
    )
    listed = Counter(term for record in world.clinvar for term in record.terms)
    assert len(listed) == 14
    assert min(listed.values()) >= 30
    assert len(carried) == 14
    assert min(carried.values()) >= 5
