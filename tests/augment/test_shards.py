import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from evoflow.augment.shards import plan_shards
from evoflow.settings import ComputeSettings


def table(letters):
    return pd.DataFrame({"sequence": list(letters), "variant_offset": range(len(letters))})


def sizes(ranges):
    return [stop - start for start, stop in ranges]


def planned(count, **compute):
    sequences = table([f"{number:06}" for number in range(count)])
    return plan_shards(sequences, ComputeSettings(**compute))


def test_shards_are_even_and_keep_within_the_default():
    assert sizes(planned(12_000)) == [4000, 4000, 4000]


def test_equal_sequences_that_fit_no_even_shard_make_no_further_one():
    ranges = plan_shards(table("aaabbbccc"), ComputeSettings(sequences_per_shard=6))
    assert sizes(ranges) == [6, 3]


def test_shards_grow_where_they_would_be_too_many():
    ranges = planned(9000, sequences_per_shard=10)
    assert len(ranges) <= 90
    assert max(sizes(ranges)) == 100


def test_more_shards_are_made_where_they_are_allowed():
    ranges = planned(9000, sequences_per_shard=10, max_shards=900)
    assert sizes(ranges) == [10] * 900


@given(st.lists(st.integers(0, 300), max_size=600), st.integers(1, 20))
def test_all_sequences_are_covered_by_few_shards(letters, size):
    sequences = table([f"{letter:03}" for letter in sorted(letters)])
    ranges = plan_shards(sequences, ComputeSettings(sequences_per_shard=size))
    assert len(ranges) <= 90
    assert [row for start, stop in ranges for row in range(start, stop)] == list(
        range(len(letters))
    )
