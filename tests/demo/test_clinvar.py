"""The simulated ClinVar: rules that its records keep."""

from collections import Counter

import pytest
from numpy.random import default_rng

from evoflow.demo import clinvar
from evoflow.demo.consequences import Allele


def test_records_are_sorted_alleles_of_the_genome_each_once(world):
    alleles = [record.allele for record in world.clinvar]
    assert len(set(alleles)) == len(alleles)
    assert alleles == sorted(alleles)
    sequences = world.genome.sequences
    for allele in alleles:
        end = allele.start + len(allele.ref)
        assert sequences[allele.contig][allele.start : end] == allele.ref
        assert allele.alt != allele.ref


def test_records_at_one_position_share_an_rs_id_and_few_have_none(world):
    by_position = {}
    for record in world.clinvar:
        by_position.setdefault((record.allele.contig, record.allele.start), set()).add(record.rsid)
    assert max(len(ids - {None}) for ids in by_position.values()) == 1
    without = sum(record.rsid is None for record in world.clinvar) / len(world.clinvar)
    assert 0.03 < without < 0.07  # WITHOUT_RS is 0.05, of 4,300 records


def test_intergenic_records_have_neither_gene_nor_consequence(world):
    outside = [record for record in world.clinvar if record.gene is None]
    assert len(outside) == clinvar.INTERGENIC
    assert not any(record.terms for record in outside)
    assert all(record.terms for record in world.clinvar if record.gene is not None)


@pytest.mark.parametrize("base", "ACGT")
def test_a_transition_is_three_times_as_likely_as_a_transversion(base):
    rng = default_rng(0)
    drawn = Counter(clinvar.draw_base(rng, base) for _ in range(5000))
    transition = {"A": "G", "G": "A", "C": "T", "T": "C"}[base]
    assert base not in drawn
    # 3 of 3 + 1 + 1, with a standard error of 0.007.
    assert drawn[transition] / 5000 == pytest.approx(0.6, abs=0.03)


def test_a_second_allele_is_another_base():
    rng = default_rng(0)
    drawn = {clinvar.substitute(rng, Allele("1", 5, "A", "C")).alt for _ in range(50)}
    assert drawn == {"G", "T"}
