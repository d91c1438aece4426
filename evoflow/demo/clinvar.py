"""The simulated ClinVar: alleles whose consequences follow from the genes that they hit."""

from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from evoflow.demo.consequences import Allele, consequences, left_align
from evoflow.demo.genes import Gene, Genome, Interval, random_bases

CLINVAR_ALLELES = 2_600  # before second alleles and those between genes
SECOND_ALLELES = 60  # ClinVar loci with two alleles
INTERGENIC = 60  # ClinVar records without a gene and without a consequence
WITHOUT_RS = 0.05  # share of ClinVar's records

_TERMS = {
    "missense_variant": 0.22,
    "inframe_deletion": 0.02,
    "inframe_insertion": 0.02,
    "synonymous_variant": 0.26,
    "nonsense": 0.08,
    "frameshift_variant": 0.07,
    "splice_donor_variant": 0.06,
    "splice_acceptor_variant": 0.06,
    "initiator_codon_variant": 0.015,
    "stop_lost": 0.015,
    "intron_variant": 0.10,
    "5_prime_UTR_variant": 0.04,
    "3_prime_UTR_variant": 0.04,
    "non-coding_transcript_variant": 0.05,
}
"""Shares of the principal transcript's consequences among ClinVar's alleles."""

_LENGTH_CHANGING = {"frameshift_variant", "inframe_deletion", "inframe_insertion"}
_NONCODING = {
    "intron_variant", "5_prime_UTR_variant", "3_prime_UTR_variant", "non-coding_transcript_variant"
}  # fmt: skip
_INDELS = 0.15  # share of indels among alleles outside coding sequences
_DOUBLES = 0.04  # share of two neighbouring bases among substitutions

_SIGNIFICANCE = {
    "Pathogenic": (0.65, 0.08, 0.0, 0.0),
    "Likely_pathogenic": (0.20, 0.12, 0.01, 0.01),
    "Uncertain_significance": (0.13, 0.55, 0.12, 0.24),
    "Likely_benign": (0.01, 0.15, 0.62, 0.35),
    "Benign": (0.01, 0.10, 0.25, 0.40),
}
"""Shares of ClinVar's classes by the grade of the consequence, as `_grade` numbers it."""

_GRADES = (
    {"nonsense", "frameshift_variant", "splice_donor_variant", "splice_acceptor_variant",
     "initiator_codon_variant", "stop_lost"},
    {"missense_variant", "inframe_deletion", "inframe_insertion"},
    {"synonymous_variant"},
)  # fmt: skip


@dataclass(frozen=True)
class ClinVarRecord:
    """One allele as ClinVar lists it; `rsid` is None where dbSNP has none."""

    allele: Allele
    variation_id: int
    rsid: int | None
    significance: str
    review: str
    origin: int
    gene: Gene | None
    terms: tuple[str, ...]


def make_clinvar(rng: Generator, genome: Genome) -> list[ClinVarRecord]:
    """Draw ClinVar's alleles gene by gene; sorted, each with all of its consequences."""
    found: dict[Allele, tuple[Gene | None, tuple[str, ...]]] = {}
    shares = np.array(list(_TERMS.values()))
    terms = rng.choice(list(_TERMS), CLINVAR_ALLELES, p=shares / shares.sum())
    genes = _genes_by_term(genome)
    for term in terms:
        gene, allele, computed = _draw(rng, genome, genes[term], str(term))
        found[allele] = gene, computed
    _add_second_alleles(rng, genome, found)
    for allele in _intergenic(rng, genome):
        found[allele] = None, ()
    return _number(rng, found)


def _sites(gene: Gene, term: str) -> list[Interval]:
    """Where in a gene's principal transcript an allele can have a consequence."""
    transcript = gene.transcripts[0]
    forward = gene.strand == "+"
    starts = [(left, left + 2) for left, _ in transcript.introns]
    ends = [(right - 2, right) for _, right in transcript.introns]
    special = {
        "splice_donor_variant": starts if forward else ends,
        "splice_acceptor_variant": ends if forward else starts,
    }
    if transcript.coding:
        left, right = transcript.coding
        first, last = (left, left + 3), (right - 3, right)
        special["initiator_codon_variant"] = [first if forward else last]
        special["stop_lost"] = [last if forward else first]
    if term in special:
        return special[term]
    named = term if term in _NONCODING else "coding"
    return [interval for region, interval in gene.regions[0] if region == named]


def _genes_by_term(genome: Genome) -> dict[str, list[tuple[Gene, list[Interval]]]]:
    sites = {term: [(gene, _sites(gene, term)) for gene in genome.genes] for term in _TERMS}
    return {term: [each for each in found if each[1]] for term, found in sites.items()}


def _draw(
    rng: Generator, genome: Genome, genes: list[tuple[Gene, list[Interval]]], term: str
) -> tuple[Gene, Allele, tuple[str, ...]]:
    """Draw alleles until one has this consequence in its gene's principal transcript."""
    while True:
        gene, sites = genes[rng.integers(len(genes))]
        left, right = sites[rng.integers(len(sites))]
        sequence = genome.sequences[gene.contig]
        allele = _change(rng, sequence, gene.contig, int(rng.integers(left, right)), term)
        terms = consequences(sequence, gene, allele)
        if terms and terms[0] == term:
            return gene, allele, terms


def _change(rng: Generator, sequence: str, contig: str, start: int, term: str) -> Allele:
    """Draw a change at a position: mostly single bases, and indels where the term wants them."""
    indels = 1 if term in _LENGTH_CHANGING else _INDELS if term in _NONCODING else 0
    if rng.random() >= indels:
        length = 2 if rng.random() < _DOUBLES else 1
        ref = sequence[start : start + length]
        return Allele(contig, start, ref, "".join(draw_base(rng, base) for base in ref))
    length = min(int(rng.geometric(0.3)), 12)
    length = 3 * min(length, 4) if term.startswith("inframe") else length
    deletes = rng.random() < 0.55 if not term.startswith("inframe") else "deletion" in term
    if deletes:
        ref = sequence[start - 1 : start + length]
        return left_align(sequence, Allele(contig, start - 1, ref, ref[0]))
    # Half of the insertions repeat what stands before them, as most do in real genomes.
    repeats = rng.random() < 0.5
    added = sequence[start - length : start] if repeats else random_bases(rng, length)
    anchor = sequence[start - 1]
    return left_align(sequence, Allele(contig, start - 1, anchor, anchor + added))


def draw_base(rng: Generator, base: str) -> str:
    """Draw another base; a transition (A-G, C-T) is three times as likely as a transversion."""
    transition = {"A": "G", "G": "A", "C": "T", "T": "C"}[base]
    transversions = [letter for letter in "ACGT" if letter not in {base, transition}]
    return ([transition] * 3 + transversions)[rng.integers(5)]


def substitute(rng: Generator, allele: Allele) -> Allele:
    """Draw a single-base allele at the same position that is another than this one."""
    letters = [letter for letter in "ACGT" if letter not in {allele.ref, allele.alt}]
    return Allele(allele.contig, allele.start, allele.ref, str(rng.choice(letters)))


def shuffled(rng: Generator, alleles: list[Allele]) -> list[Allele]:
    """Put alleles into a random order."""
    return [alleles[number] for number in rng.permutation(len(alleles))]


def _add_second_alleles(
    rng: Generator, genome: Genome, found: dict[Allele, tuple[Gene | None, tuple[str, ...]]]
) -> None:
    """Give some single-base loci a second allele with consequences of its own."""
    snvs = [allele for allele in found if len(allele.ref) == len(allele.alt) == 1]
    for allele in shuffled(rng, snvs)[:SECOND_ALLELES]:
        gene = found[allele][0]
        other = substitute(rng, allele)
        terms = gene and consequences(genome.sequences[allele.contig], gene, other)
        if terms and other not in found:
            found[other] = gene, terms


def _intergenic(rng: Generator, genome: Genome) -> Iterator[Allele]:
    """Draw single bases halfway between two genes."""
    for number in rng.choice(len(genome.genes) - 1, INTERGENIC, replace=False):
        left, right = genome.genes[number : number + 2]
        if left.contig == right.contig:
            end = left.transcripts[0].exons[-1][1]
            start = (end + right.transcripts[0].exons[0][0]) // 2
            ref = genome.sequences[left.contig][start]
            yield Allele(left.contig, start, ref, draw_base(rng, ref))


def _reviewed(number: int) -> tuple[str, int]:
    """Give a record a review status and an origin; one in five has too few submitters."""
    few, somatic = number % 5 == 0, number % 50 == 1
    status = "single_submitter" if few else "multiple_submitters,_no_conflicts"
    return f"criteria_provided,_{status}", 2 if somatic else 1


def _number(
    rng: Generator, found: dict[Allele, tuple[Gene | None, tuple[str, ...]]]
) -> list[ClinVarRecord]:
    """Give the alleles identifiers and a significance; those at one position share an RS id."""
    classes = list(_SIGNIFICANCE)
    shares = np.array([*_SIGNIFICANCE.values()]).T
    cumulative = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1).tolist()
    rsids: dict[tuple[str, int], int] = {}
    records = []
    for number, allele in enumerate(sorted(found)):
        gene, terms = found[allele]
        locus = (allele.contig, allele.start)
        rsid = rsids.setdefault(locus, 70_000_000 + 13 * number + int(rng.integers(13)))
        grade = next((n for n, grade in enumerate(_GRADES) if grade & set(terms)), len(_GRADES))
        significance = classes[bisect(cumulative[grade], rng.random())]
        # Several terms stand in no order of severity, as in ClinVar.
        terms = tuple(str(term) for term in rng.permutation(terms))
        known = None if rng.random() < WITHOUT_RS else rsid
        records.append(
            ClinVarRecord(
                allele, 10_001 + number, known, significance, *_reviewed(number), gene, terms
            )
        )
    return records
