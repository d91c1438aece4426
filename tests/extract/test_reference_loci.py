"""Loci at which an individual carries nothing, and the order in which they are drawn."""

import numpy as np
import pandas as pd
import pytest

from evoflow.extract.reference_loci import ContigLoci, Draw, loci_at, ranks, uncarried_positions


def alleles(*rows):
    columns = ["position", "ref", "alt", "rs", "mc", "clinvar_id"]
    return pd.DataFrame(rows, columns=columns)


CLINVAR = alleles(
    (10, "A", "C", "1", "x", "1"),
    (10, "ACC", "A", "2", "x", "2"),
    (20, "G", "T", ".", "x", "3"),  # without an RS id
    (30, "CTT", "C", "4", "x", "4"),
    (40, "A" * 9, "A", "5", "x", "5"),
)


def found(*carried, longest=8):
    called = pd.DataFrame(carried, columns=["position", "ref"])
    positions, dropped = uncarried_positions(called, iter([CLINVAR]), longest)
    return positions.tolist(), +dropped


def test_loci_without_an_rs_id_and_those_longer_than_a_read_are_no_loci():
    assert found() == ([10, 30], {"longer than a read": 1})
    assert found(longest=9)[0] == [10, 30, 40]


@pytest.mark.parametrize(
    ("carried", "free"),
    [
        ((31, "T"), [10]),  # within CTT, at 30 to 32
        ((32, "T"), [10]),
        ((33, "T"), [10, 30]),
        ((28, "AAC"), [10]),  # 28 to 30
        ((27, "AAC"), [10, 30]),
        ((5, "A" * 26), []),  # 5 to 30, over both
    ],
)
def test_a_carried_allele_that_touches_ref_takes_the_locus_away(carried, free):
    positions, dropped = found(carried)
    assert positions == free
    assert dropped["the individual carries an allele there"] == 2 - len(free)


def test_a_long_allele_counts_behind_shorter_ones_that_begin_later():
    assert found((5, "A" * 30), (12, "C"))[0] == []


def test_of_alleles_at_one_position_the_shortest_stands_for_it():
    loci = loci_at(iter([CLINVAR]))
    assert loci[["position", "clinvar_id"]].to_numpy().tolist() == [[10, "1"], [30, "4"], [40, "5"]]


def test_ranks_depend_on_seed_sample_contig_and_position_alone():
    positions = np.arange(1, 1001)
    one = ranks(positions, 0, "ann", "chr1")
    assert len(set(one.tolist())) == 1000
    assert ranks(positions[::-1], 0, "ann", "chr1")[::-1].tolist() == one.tolist()
    for other in ((1, "ann", "chr1"), (0, "bob", "chr1"), (0, "ann", "chr2")):
        assert not (ranks(positions, *other) == one).any()
    assert 0.4 < (one < 2**63).mean() < 0.6


def test_a_draw_asks_for_more_by_the_share_that_had_a_read(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(1, 101))
    draw = Draw([ContigLoci("ann", "chr1", tmp_path / "x.npy", 100)], wanted=10, seed=0)
    (first,) = draw.next_positions()
    assert len(first) == 10
    draw.kept = 5  # half of them: 5 are missing, so 10 more
    (second,) = draw.next_positions()
    assert len(second) == 10
    assert not set(first) & set(second)
    draw.kept = 10
    assert [len(each) for each in draw.next_positions()] == [0]


def test_where_hardly_a_locus_has_a_read_ten_times_as_many_are_looked_at(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(1, 201))
    draw = Draw([ContigLoci("ann", "chr1", tmp_path / "x.npy", 200)], wanted=10, seed=0)
    assert [len(draw.next_positions()[0]) for _ in range(4)] == [10, 100, 90, 0]
