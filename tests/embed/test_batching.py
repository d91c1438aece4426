"""Batches keep to their budget, hold each sequence once, and do not depend on the order."""

from hypothesis import given
from hypothesis import strategies as st

from evoflow.embed.batching import Batch, plan_batches

SEQUENCES = st.lists(st.text("ACGT", min_size=1, max_size=40), max_size=40)


@given(SEQUENCES, st.integers(1, 200))
def test_every_sequence_once_within_the_budget(sequences, budget):
    batches = plan_batches(sequences, budget)
    assert sorted(row for batch in batches for row in batch.rows) == list(range(len(sequences)))
    for batch in batches:
        assert batch.length == max(len(sequences[row]) for row in batch.rows)
        assert batch.num_tokens <= budget or len(batch.rows) == 1
    lengths = [batch.length for batch in batches]
    assert lengths == sorted(lengths, reverse=True)


@given(SEQUENCES.flatmap(lambda s: st.tuples(st.just(s), st.permutations(s))), st.integers(1, 200))
def test_the_order_of_the_sequences_changes_no_batch(both, budget):
    first, second = (
        [[sequences[row] for row in batch.rows] for batch in plan_batches(sequences, budget)]
        for sequences in both
    )
    assert first == second


def test_filled_batches_of_a_length_are_of_one_size():
    batches = plan_batches(["ACGT"] * 20 + ["ACG"] * 3, 36, filled=True)
    assert [(len(batch.rows), batch.size) for batch in batches] == [(8, 8), (8, 8), (7, 8)]
    assert [batch.size for batch in plan_batches(["ACGT"] * 9, 36)] == [8, 1]
    assert [batch.size for batch in plan_batches(["ACGT"] * 33, 80)] == [16, 16, 1]


def test_halves():
    assert Batch((4, 2, 7), 10, 3).halves() == [Batch((4, 2), 10, 2), Batch((7,), 10, 1)]
    assert Batch((4, 2, 7), 10, 8).halves() == [Batch((4, 2, 7), 10, 4)]
    assert Batch((4, 2, 7), 10, 4).halves() == [Batch((4, 2), 10, 2), Batch((7,), 10, 2)]
