import numpy as np
import pandas as pd
import pytest

from evoflow.train.baselines import simple
from evoflow.train.pairs import Pairs


def pairs(read, window, score):
    numbers = pd.DataFrame({"read": read, "window": window, "example": np.arange(len(read))})
    rows = numbers.assign(weight=1.0, carries_alt=True)
    return Pairs.of(np.zeros((1, 1, 1)), rows, pd.Series(score))


def alleles(*rows):
    return pd.DataFrame(rows, columns=["ref", "alt", "carries_alt", "label"])


TRAINING = alleles(
    ("A", "G", True, 2), ("A", "T", True, 4), ("A", "AC", True, 10), ("A", "C", False, 0)
)  # fmt: skip


def test_the_mean_is_that_of_the_carried_alleles():
    assert simple.training_mean(TRAINING)(TRAINING).tolist() == [16 / 3] * 4
    assert simple.training_mean(TRAINING.iloc[3:])(TRAINING).tolist() == [0] * 4


def test_the_carrier_bit_has_two_means():
    predicted = simple.carrier_bit(TRAINING)(TRAINING)
    assert predicted == pytest.approx([16 / 3, 16 / 3, 16 / 3, 0])


@pytest.mark.parametrize(
    ("ref", "alt", "expected"),
    [
        ("A", "G", "SNV"),
        ("AC", "GT", "substitution"),
        ("A", "AC", "insertion, shifts the frame"),
        ("A", "ACCC", "insertion"),
        ("AC", "A", "deletion, shifts the frame"),
        ("ACCC", "A", "deletion"),
    ],
)
def test_types_of_alleles(ref, alt, expected):
    assert simple.types(alleles((ref, alt, True, 1)))[0] == expected
    assert simple.types(alleles((ref, alt, False, 0)))[0] == "reference"


def test_an_allele_has_the_weighted_mean_of_its_type():
    predict = simple.allele_type(TRAINING, np.array([3.0, 1, 1, 1]))
    new = alleles(("C", "T", True, 0), ("C", "CA", True, 0), ("CA", "C", True, 0))
    # SNV: (3 * 2 + 4) / 4; unknown type: (3 * 2 + 4 + 10 + 0) / 6
    assert predict(new) == pytest.approx([2.5, 10, 20 / 6])


def test_a_less_likely_read_gets_the_score_that_training_gave_it():
    log_likelihood = np.array([-1.0, -1.5, -2.0])
    # ratio of window to read: 0, 0.5, 1 -> scores 0, 5, 10
    predict = simple.likelihood_ratio(log_likelihood, pairs([0, 2], [0, 1], [0, 5]))
    assert predict(pairs([1, 2], [0, 0], [5, 10])) == pytest.approx([5.0, 10.0])


def test_one_hot_is_cut_around_the_allele():
    sequences = pd.DataFrame({"sequence": ["ACGTN", "ACGTN", "ACGT"], "variant_offset": [2, 0, 3]})
    found = simple.one_hot(sequences, 3)
    assert found.shape == (3, 3, 4)
    assert found[0].argmax(axis=1).tolist() == [1, 2, 3]  # C G T around the G
    assert found[1].argmax(axis=1).tolist() == [0, 1, 2]  # the read ends: A C G
    assert found[2].argmax(axis=1).tolist() == [1, 2, 3]  # here too: C G T
    assert simple.one_hot(sequences.iloc[:2], 1)[0, 4].tolist() == [0] * 4  # all bases; N is none
    assert simple.one_hot(sequences, 1).shape == simple.one_hot(sequences, 9).shape == (3, 4, 4)


def test_the_consequence_is_looked_up_or_else_its_impact():
    training = pd.DataFrame(
        {
            "consequence": [
                "missense_variant",
                "missense_variant",
                "inframe_deletion",
                "stop_lost",
            ],
            "impact": ["MODERATE", "MODERATE", "MODERATE", "HIGH"],
            "label": [0.0, 1.0, 1.0, 0.5],
        }
    )
    asked = pd.DataFrame(
        {
            "consequence": ["missense_variant", "inframe_insertion", "intron_variant"],
            "impact": ["MODERATE", "MODERATE", "MODIFIER"],
        }
    )
    assert simple.consequence_lookup(training)(asked) == pytest.approx([0.5, 2 / 3, 0.625])
