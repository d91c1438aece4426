"""A small genome with true genes: exons, GT-AG introns, start and stop codons, both strands.

Coordinates are 0-based and half-open, on the forward strand.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product
from typing import Literal

import numpy as np
from numpy.random import Generator

from evoflow.dna import reverse_complement

Interval = tuple[int, int]

CONTIGS = ("chr1", "chr2", "chr3")
GENES_PER_CONTIG = 110
NONCODING_SHARE = 0.12
GAP = (400, 900)  # bases between two genes, so that blocks of genes are distinct
EDGE = 1_000  # bases before the first gene and after the last

GENETIC_CODE = dict(
    zip(
        ("".join(codon) for codon in product("TCAG", repeat=3)),
        "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        strict=True,
    )
)
"""The standard genetic code, NCBI translation table 1; `*` is a stop."""


# Shares of A, C, G and T: AT-rich outside coding sequences, as in plants and insects.
_INTERGENIC = (0.35, 0.15, 0.15, 0.35)
_INTRON = (0.30, 0.12, 0.14, 0.44)
_PYRIMIDINES = (0.04, 0.38, 0.04, 0.54)
_UTR_5 = (0.40, 0.28, 0.10, 0.22)
_UTR_3 = (0.38, 0.12, 0.12, 0.38)
_NONCODING_EXON = (0.38, 0.17, 0.20, 0.25)
# How much a codon's first and third base are preferred: G first, and C or G nearly always third,
# as in the most biased of real genomes, so that 150 bases show the reading frame.
_FIRST_BASE = {"A": 1.0, "C": 0.6, "G": 2.0, "T": 0.5}
_THIRD_BASE = {"A": 0.05, "C": 6.0, "G": 3.0, "T": 0.1}
# Shares of amino acids in vertebrate proteins, in percent (UniProt, rounded).
_AMINO_ACIDS = dict(
    zip(
        "ARNDCQEGHILKMFPSTWYV",
        (7, 5.6, 3.6, 4.8, 2.3, 4.8, 7.1, 6.6, 2.6, 4.3, 10, 5.7, 2.1, 3.7, 6.3, 8.3, 5.3, 1.2,
         2.7, 6),
        strict=True,
    )
)  # fmt: skip


@dataclass(frozen=True)
class Transcript:
    """One way in which a gene is spliced.

    Attributes
    ----------
    exons
        Ascending intervals.
    coding
        From the first base of the coding sequence to the last in the genome, stop codon
        included; None in a non-coding transcript.
    """

    exons: tuple[Interval, ...]
    coding: Interval | None

    @cached_property
    def introns(self) -> tuple[Interval, ...]:
        """The intervals between exons."""
        return tuple((left[1], right[0]) for left, right in pairwise(self.exons))

    @cached_property
    def coding_exons(self) -> tuple[Interval, ...]:
        """The coding part of every exon that has one."""
        if self.coding is None:
            return ()
        start, end = self.coding
        parts = ((max(left, start), min(right, end)) for left, right in self.exons)
        return tuple(part for part in parts if part[0] < part[1])


@dataclass(frozen=True)
class Gene:
    """A gene; the first of its transcripts is the principal one."""

    symbol: str
    number: int
    contig: str
    strand: Literal["+", "-"]
    transcripts: tuple[Transcript, ...]

    def oriented(self, sequence: str) -> str:
        """Forward-strand bases as the gene's own strand reads them."""
        return sequence if self.strand == "+" else reverse_complement(sequence)

    @cached_property
    def regions(self) -> tuple[list[tuple[str, Interval]], ...]:
        """Every stretch of each transcript, and its name: `coding`, or the term of an allele."""
        return tuple(map(self._regions, self.transcripts))

    def _regions(self, transcript: Transcript) -> list[tuple[str, Interval]]:
        introns = [("intron_variant", intron) for intron in transcript.introns]
        if transcript.coding is None:
            return introns + [("non-coding_transcript_variant", exon) for exon in transcript.exons]
        start, end = transcript.coding
        sides = ("5_prime_UTR_variant", "3_prime_UTR_variant")
        before, after = sides if self.strand == "+" else sides[::-1]
        return [
            *introns,
            *(("coding", part) for part in transcript.coding_exons),
            *(
                (before, (left, min(right, start)))
                for left, right in transcript.exons
                if left < start
            ),
            *((after, (max(left, end), right)) for left, right in transcript.exons if right > end),
        ]


@dataclass(frozen=True)
class Genome:
    """Sequences by contig and the genes on them, in order."""

    sequences: dict[str, str]
    genes: tuple[Gene, ...]


def translate(coding: str) -> str:
    """Translate whole codons, past stops; bases after the last whole codon are left out."""
    ends = range(3, len(coding) + 1, 3)
    return "".join([GENETIC_CODE[coding[end - 3 : end]] for end in ends])


def random_bases(rng: Generator, length: int, shares: tuple[float, ...] = _INTERGENIC) -> str:
    """Draw independent bases; `shares` are those of A, C, G and T."""
    return rng.choice(np.frombuffer(b"ACGT", np.uint8), length, p=shares).tobytes().decode()


def make_genome(rng: Generator) -> Genome:
    """Draw three contigs of genes with gaps between them."""
    sequences: dict[str, str] = {}
    genes: list[Gene] = []
    for contig in CONTIGS:
        parts = [random_bases(rng, EDGE)]
        length = EDGE
        for _ in range(GENES_PER_CONTIG):
            sequence, gene = _make_gene(rng, contig, length, len(genes) + 1)
            gap = random_bases(rng, int(rng.integers(*GAP)))
            parts += [sequence, gap]
            genes.append(gene)
            length += len(sequence) + len(gap)
        sequences[contig] = "".join([*parts, random_bases(rng, EDGE)])
    return Genome(sequences, tuple(genes))


def _make_gene(rng: Generator, contig: str, start: int, number: int) -> tuple[str, Gene]:
    """Draw a gene that begins at `start`: its forward-strand bases and its structure."""
    noncoding = rng.random() < NONCODING_SHARE
    exons, coding = _noncoding_exons(rng) if noncoding else _coding_exons(rng)
    sequence, own_exons = _splice(rng, exons)
    transcripts = [Transcript(own_exons, coding and _in_gene(own_exons, coding))]
    if coding:
        transcripts += _further_transcripts(rng, sequence, transcripts[0])
    forward = rng.random() < 0.5
    placed = tuple(_place(each, start, len(sequence), forward) for each in transcripts)
    gene = Gene(f"DEMO{number}", 900_000 + number, contig, "+" if forward else "-", placed)
    return gene.oriented(sequence), gene


def _coding_exons(rng: Generator) -> tuple[list[str], Interval]:
    """Draw the exons of a messenger RNA and where in their sum the coding sequence lies."""
    codons = ["".join(codon) for codon in product("ACGT", repeat=3)]
    codons = [codon for codon in codons if GENETIC_CODE[codon] != "*"]
    shares = [_AMINO_ACIDS[GENETIC_CODE[c]] * _FIRST_BASE[c[0]] * _THIRD_BASE[c[2]] for c in codons]
    weights = np.array(shares)
    # The second codon begins with G: the Kozak context is GCCACCATGG.
    second = str(rng.choice(["GCC", "GAG", "GGC", "GTG"]))
    body = rng.choice(codons, int(rng.integers(110, 200)), p=weights / weights.sum())
    stop = str(rng.choice(["TAA", "TAG", "TGA"], p=[0.28, 0.22, 0.5]))
    coding = "ATG" + second + "".join(body) + stop
    leader = random_bases(rng, int(rng.integers(60, 120)), _UTR_5) + "GCCACC"
    trailer = random_bases(rng, int(rng.integers(60, 120)), _UTR_3) + "AATAAA"
    trailer += random_bases(rng, 20, _UTR_3)
    cuts = [len(leader) + cut for cut in _cuts(rng, coding)]
    whole = leader + coding + trailer
    exons = [whole[left:right] for left, right in pairwise([0, *cuts, len(whole)])]
    return exons, (len(leader), len(leader) + len(coding))


def _cuts(rng: Generator, coding: str) -> list[int]:
    """Where introns split a coding sequence: after AG, as most exons end, 70 bases apart."""
    sites = [end for end in range(70, len(coding) - 70) if coding[end - 2 : end] == "AG"]
    cuts: list[int] = []
    for site in rng.permutation(sites)[: int(rng.integers(2, 7))]:
        if all(abs(site - cut) >= 70 for cut in cuts):
            cuts.append(int(site))
    return sorted(cuts)


def _noncoding_exons(rng: Generator) -> tuple[list[str], None]:
    """Draw the exons of a non-coding RNA."""
    lengths = rng.integers(120, 350, int(rng.integers(2, 5)))
    return [random_bases(rng, int(length), _NONCODING_EXON) for length in lengths], None


def _splice(rng: Generator, exons: list[str]) -> tuple[str, tuple[Interval, ...]]:
    """Put introns between exons; the bases and the exons' intervals in them."""
    sequence = exons[0]
    intervals = [(0, len(sequence))]
    for exon in exons[1:]:
        sequence += str(rng.choice(["GTAAGT", "GTGAGT"]))
        sequence += random_bases(rng, int(rng.integers(40, 180)), _INTRON) + "TACTAAC"
        sequence += random_bases(rng, 18, _PYRIMIDINES) + "CAG"
        intervals.append((len(sequence), len(sequence) + len(exon)))
        sequence += exon
    return sequence, tuple(intervals)


def _in_gene(exons: tuple[Interval, ...], spliced: Interval) -> Interval:
    """Turn an interval of the spliced exons into one of the gene, introns included."""
    positions = [position for exon in exons for position in range(*exon)]
    return positions[spliced[0]], positions[spliced[1] - 1] + 1


def _further_transcripts(rng: Generator, sequence: str, whole: Transcript) -> list[Transcript]:
    """For some genes, a transcript that skips an exon in frame, or one that is not translated."""
    if rng.random() < 0.2:
        return [Transcript(whole.exons, None)]
    for skipped in whole.exons[1:-1]:
        exons = tuple(exon for exon in whole.exons if exon != skipped)
        shorter = Transcript(exons, whole.coding)
        protein = translate("".join(sequence[slice(*part)] for part in shorter.coding_exons))
        in_frame = (skipped[1] - skipped[0]) % 3 == 0
        if in_frame and protein.find("*") == len(protein) - 1 and rng.random() < 0.5:
            return [shorter]
    return []


def _place(transcript: Transcript, start: int, length: int, forward: bool) -> Transcript:
    """Move a transcript from its gene's own coordinates into the contig's."""

    def move(interval: Interval) -> Interval:
        left, right = interval if forward else (length - interval[1], length - interval[0])
        return left + start, right + start

    exons = tuple(sorted(move(exon) for exon in transcript.exons))
    return Transcript(exons, transcript.coding and move(transcript.coding))
