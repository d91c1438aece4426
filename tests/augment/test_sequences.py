import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoflow.augment.sequences import shard_ranges, unique_sequences


@pytest.fixture
def examples(table):
    """A carrier with two reads in training, and a tested reference read that equals its window."""
    frame = table(
        position=[5, 5, 90],
        ref=["C", "C", "A"],
        alt=["G", "G", "T"],
        carries_alt=[True, True, False],
        variant_offset=[2, 1, 0],
        sequence=["AAGTT", "AGTTA", "AGTTA"],
        reference_sequence=["AACTT", "ACTTA", "AGTTA"],
    )
    return frame.assign(split=["train", "train", "test"])


@pytest.fixture
def training_rows():
    return pd.DataFrame(
        {
            "example": [0, 0, 1],
            "reverse_complement": [False, True, False],
            "source": ["own read", "reverse complement", "carrier read"],
            "weight": 1.0,
        }
    )


def test_each_sequence_and_offset_is_listed_once_and_sorted(examples, training_rows):
    sequences, _ = unique_sequences(examples, training_rows)
    assert sequences.to_numpy().tolist() == [
        ["AACTT", 2],  # window of row 0; also its read turned, allele at 5 - 2 - 1
        ["AAGTT", 2],
        ["ACTTA", 1],
        ["AGTTA", 0],
        ["AGTTA", 1],
    ]


def test_rows_point_to_their_read_and_window(examples, training_rows):
    sequences, rows = unique_sequences(examples, training_rows)
    text = sequences["sequence"]
    assert rows["split"].tolist() == ["train", "train", "train", "test"]
    assert text[rows["read"]].tolist() == ["AAGTT", "AACTT", "AGTTA", "AGTTA"]
    assert text[rows["window"]].tolist() == ["AACTT", "AAGTT", "ACTTA", "AGTTA"]
    assert sequences["variant_offset"][rows["read"]].tolist() == [2, 2, 1, 0]


def test_validation_and_test_hold_each_allele_once(examples):
    held = examples.assign(split="test")
    _, rows = unique_sequences(held, pd.DataFrame(columns=["example", "reverse_complement"]))
    assert rows["example"].tolist() == [0, 2]


def test_equal_sequences_share_a_shard():
    sequences = pd.DataFrame({"sequence": list("AABBBCD"), "variant_offset": range(7)})
    assert shard_ranges(sequences, 2) == [(0, 2), (2, 5), (5, 7)]


@given(st.lists(st.sampled_from("ABCD"), max_size=30).map(sorted), st.integers(1, 10))
def test_shards_cover_all_sequences_in_order(letters, size):
    sequences = pd.DataFrame({"sequence": letters, "variant_offset": 0})
    ranges = shard_ranges(sequences, size)
    assert [row for start, stop in ranges for row in range(start, stop)] == list(
        range(len(letters))
    )
    for start, stop in ranges:
        assert stop - start <= size or len(set(letters[start:stop])) == 1
