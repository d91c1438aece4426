from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evoflow.train import baselines
from evoflow.train.pairs import Pairs


def pairs(read, window, score):
    numbers = pd.DataFrame({"read": read, "window": window, "weight": 1.0})
    return Pairs.of(np.zeros((1, 1, 1)), numbers, pd.Series(score))


def test_the_mean_is_that_of_the_weighted_training_rows():
    training = replace(pairs([0, 0], [0, 0], [0, 10]), weight=np.array([3, 1], np.float32))
    assert baselines.training_mean(training, pairs([0, 0, 0], [0, 0, 0], [1, 1, 1])).tolist() == [
        2.5,
        2.5,
        2.5,
    ]


def test_kmers_tell_apart_what_differs_in_composition():
    rng = np.random.default_rng(0)
    rich = ["".join(rng.choice(list("CCCGGGAT"), 60)) for _ in range(60)]
    poor = ["".join(rng.choice(list("AAATTTCG"), 60)) for _ in range(60)]
    sequences = pd.Series(rich + poor)
    numbers = np.arange(120)
    score = np.where(numbers < 60, 10, 0)
    sides = [pairs(numbers[part::3], numbers[part::3], score[part::3]) for part in range(3)]
    predicted = baselines.kmer_ridge(sequences, *sides)
    assert ((predicted > 5) == (score[2::3] > 5)).all()
    assert predicted.min() >= 0
    assert predicted.max() <= 10


def test_a_less_likely_read_gets_the_score_that_training_gave_it():
    log_likelihood = np.array([-1.0, -1.5, -2.0])
    # ratio of window to read: 0, 0.5, 1 -> scores 0, 5, 10
    training = pairs([0, 2], [0, 0], [0, 10])
    predicted = baselines.likelihood_ratio(log_likelihood, training, pairs([1], [0], [5]))
    assert predicted == pytest.approx([5.0])


def test_one_hot_is_cut_around_the_allele():
    sequences = pd.DataFrame({"sequence": ["ACGTN", "ACGTN"], "variant_offset": [2, 0]})
    found = baselines.one_hot(sequences, 3)
    assert found.shape == (2, 3, 4)
    assert found[0].argmax(axis=1).tolist() == [1, 2, 3]  # C G T around the G
    assert found[1].argmax(axis=1).tolist() == [0, 1, 2]  # the read ends: A C G
    assert baselines.one_hot(sequences, 1)[0, 4].tolist() == [0, 0, 0, 0]  # all bases; N is none
