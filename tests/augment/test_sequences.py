import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoflow.augment.sequences import held_out, shard_ranges, unique_sequences
from evoflow.dna import reverse_complement
from evoflow.settings import EmbeddingSettings


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
def rows(examples):
    training = pd.DataFrame(
        {
            "example": [0, 0, 1],
            "reverse_complement": [False, True, False],
            "source": ["own read", "copy", "carrier read"],
            "weight": 1.0,
            "split": "train",
        }
    )
    return pd.concat([training, held_out(examples)], ignore_index=True)


WINDOW = EmbeddingSettings(tokens={"window": 3})


def test_each_sequence_and_offset_is_listed_once_and_sorted(examples, rows):
    sequences, _ = unique_sequences(examples, rows, WINDOW)
    assert sequences.to_numpy().tolist() == [
        ["AACTT", 2],  # window of row 0; also its read turned: the middle stays the middle
        ["AAGTT", 2],
        ["ACTTA", 1],
        ["AGTTA", 0],
        ["AGTTA", 1],
        ["TAACT", 3],  # turned: the first three bases are the last three
    ]


def test_rows_point_to_their_read_and_window(examples, rows):
    sequences, found = unique_sequences(examples, rows, WINDOW)
    text = sequences["sequence"]
    assert found["split"].tolist() == ["train"] * 3 + ["test"] * 2
    assert text[found["read"]].tolist() == ["AAGTT", "AACTT", "AGTTA", "AGTTA", "TAACT"]
    assert text[found["window"]].tolist() == ["AACTT", "AAGTT", "ACTTA", "AGTTA", "TAACT"]
    assert sequences["variant_offset"][found["read"]].tolist() == [2, 2, 1, 0, 3]


def test_both_strands_of_every_row_are_embedded(examples, rows):
    both = WINDOW.model_copy(update={"strands": "both"})
    sequences, found = unique_sequences(examples, rows, both)
    text = sequences["sequence"]
    for forward, reverse in (("read", "read_reverse"), ("window", "window_reverse")):
        turned = [reverse_complement(sequence) for sequence in text[found[forward]]]
        assert text[found[reverse]].tolist() == turned
    # A turned row is the same pair of strands the other way round.
    assert found.loc[0, ["read", "read_reverse"]].tolist() == (
        found.loc[1, ["read_reverse", "read"]].tolist()
    )


def test_validation_and_test_hold_each_allele_once_in_both_orientations(examples):
    held = held_out(examples.assign(split="test"))
    assert held[["example", "reverse_complement"]].to_numpy().tolist() == [
        [0, False], [0, True], [2, False], [2, True],
    ]  # fmt: skip
    assert (held["split"] == "test").all()
    assert (held["weight"] == 1).all()


def test_what_does_not_stay_aligned_is_not_turned(examples):
    longer = examples.assign(alt=["GA", "GA", "T"], split="validation")
    held = held_out(longer)
    assert held.loc[held["example"] == 0, "reverse_complement"].tolist() == [False]


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
