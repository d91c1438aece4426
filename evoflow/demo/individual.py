"""The simulated person: phased alleles, most of them known to ClinVar."""

from dataclasses import dataclass
from itertools import groupby, islice
from operator import attrgetter

import numpy as np
from numpy.random import Generator

from evoflow.demo.clinvar import ClinVarRecord, draw_base, shuffled, substitute
from evoflow.demo.consequences import Allele
from evoflow.demo.genes import Genome

Genotype = tuple[bool, bool]

CARRIED = 0.52  # share of ClinVar's loci that are tried; fewer are carried, for want of space
HOMOZYGOUS = 0.35  # share of its alleles
SPACING = 40  # bases between two alleles, so that none touches another
OTHER_ALLELES = 40  # alleles where ClinVar lists another one at the same position
UNKNOWN = 150  # alleles anywhere, of which ClinVar knows next to none
NOT_CARRIED = 15  # records whose genotype is 0|0


@dataclass(frozen=True)
class Call:
    """An allele of the individual, and on which of the two haplotypes it lies."""

    allele: Allele
    genotype: Genotype


def make_individual(
    rng: Generator, genome: Genome, clinvar: list[ClinVarRecord]
) -> tuple[Call, ...]:
    """Draw one person's alleles; sorted, and two at one position lie on two haplotypes."""
    known = (record.allele for record in clinvar)
    loci = [list(alleles) for _, alleles in groupby(known, attrgetter("contig", "start"))]
    free = _Free(genome)
    calls: list[Call] = []
    for number in rng.permutation(len(loci))[: round(CARRIED * len(loci))]:
        alleles = loci[number]
        if len({allele.ref for allele in alleles}) == 1 and free.take(alleles[0]):
            calls += _carry(rng, alleles)
    single = [alleles[0] for alleles in loci if len(alleles) == 1]
    snvs = [allele for allele in single if len(allele.ref) == len(allele.alt) == 1]
    others = filter(free.take, [substitute(rng, allele) for allele in shuffled(rng, snvs)])
    elsewhere = filter(free.take, _anywhere(rng, genome))
    for allele in (*islice(others, OTHER_ALLELES), *islice(elsewhere, UNKNOWN)):
        calls += _carry(rng, [allele])
    calls += [Call(allele, (False, False)) for allele in islice(elsewhere, NOT_CARRIED)]
    return tuple(sorted(calls, key=lambda call: call.allele))


def _carry(rng: Generator, alleles: list[Allele]) -> list[Call]:
    """Put one allele on one or both haplotypes, or one of two alleles on each."""
    first = bool(rng.random() < 0.5)
    if len(alleles) > 1:
        return [Call(alleles[0], (first, not first)), Call(alleles[1], (not first, first))]
    both = bool(rng.random() < HOMOZYGOUS)
    return [Call(alleles[0], (first or both, not first or both))]


def _anywhere(rng: Generator, genome: Genome) -> list[Allele]:
    """Draw single-base alleles anywhere, more than are needed."""
    alleles = []
    for contig, sequence in genome.sequences.items():
        for start in rng.choice(len(sequence), UNKNOWN, replace=False):
            ref = sequence[start]
            alleles.append(Allele(contig, int(start), ref, draw_base(rng, ref)))
    return shuffled(rng, alleles)


class _Free:
    """Where the individual has no allele yet."""

    def __init__(self, genome: Genome) -> None:
        self._free = {contig: np.ones(len(s), bool) for contig, s in genome.sequences.items()}

    def take(self, allele: Allele) -> bool:
        """Take an allele's place; False where another one is near."""
        free = self._free[allele.contig]
        if not free[max(allele.start - SPACING, 0) : allele.end + SPACING].all():
            return False
        free[allele.start : allele.end] = False
        return True
