from dataclasses import replace

import numpy as np


def test_the_rows_of_an_example_are_averaged(make_pairs):
    pairs = replace(make_pairs(4), example=np.array([7, 3, 7, 3]))
    assert pairs.examples.tolist() == [3, 7]
    assert pairs.by_example(np.array([1.0, 2, 3, 6])).tolist() == [4, 2]


def test_carriers_are_kept_where_there_are_any(make_pairs):
    pairs = make_pairs(50)
    carriers = pairs.carriers()
    assert (carriers.target > 0).all()
    assert len(carriers) == (pairs.target > 0).sum()
    nobody = replace(pairs, carries=np.zeros(50, bool))
    assert len(nobody.carriers()) == 50


def test_width_counts_the_strands(make_pairs):
    pairs = make_pairs(4)
    both = replace(pairs, read=np.repeat(pairs.read, 2, axis=1))
    assert (pairs.width, both.width, both.forward_strand().read.shape) == (5, 10, (4, 1))
