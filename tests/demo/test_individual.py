from itertools import pairwise

import numpy as np

from evoflow.demo.individual import SPACING


def test_no_two_alleles_of_the_individual_touch(world):
    assert list(world.calls) == sorted(world.calls, key=lambda call: call.allele)
    for left, right in pairwise(call.allele for call in world.calls):
        if left.contig == right.contig and left.start != right.start:
            assert right.start - left.end >= SPACING


def test_two_alleles_at_one_position_lie_on_two_haplotypes(world):
    pairs = [
        (left, right)
        for left, right in pairwise(world.calls)
        if (left.allele.contig, left.allele.start) == (right.allele.contig, right.allele.start)
    ]
    assert len(pairs) > 10
    for left, right in pairs:
        assert sorted([left.genotype, right.genotype]) == [(False, True), (True, False)]


def test_both_haplotypes_carry_alike(world):
    carried = np.array([call.genotype for call in world.calls])
    first, second = carried.sum(axis=0)
    assert abs(first - second) < 0.1 * len(carried)
    assert 0.25 < carried.all(axis=1).mean() < 0.45
