"""A segment packed and read again, and every part of it that may not change unnoticed."""

import dataclasses

import numpy as np
import pytest

from evoflow.embed.store.segments import entry_of, is_sound, pack, read_index, sequence_key

KEYS = [sequence_key("ACGT", None), sequence_key("ACGT", 2)]
VALUES = np.arange(12, dtype="<f2").reshape(2, 3, 2)
LIKELIHOOD = np.float32([-1.25, np.nan])


@pytest.fixture
def packed():
    return pack(KEYS, VALUES, LIKELIHOOD)


def test_the_index_says_where_each_embedding_lies(packed):
    name, index, data = packed
    assert data == VALUES.tobytes()
    rows = read_index(name, index)
    assert [row["key"].decode() for row in rows] == KEYS
    entries = [entry_of(name, row) for row in rows]
    assert [(each.start, each.stop) for each in entries] == [(0, 12), (12, 24)]  # 3 x 2 x 2 bytes
    assert entries[0].log_likelihood == -1.25
    assert np.isnan(entries[1].log_likelihood)


def test_the_same_embeddings_have_the_same_name(packed):
    assert pack(KEYS, VALUES, LIKELIHOOD) == packed
    assert pack(KEYS[::-1], VALUES, LIKELIHOOD)[0] != packed[0]


def test_an_index_under_another_name_is_not_read(packed):
    name, index, _ = packed
    assert read_index("0" * 64, index) is None
    assert read_index(name, index[:-1]) is None


def test_bytes_are_sound_only_with_their_key_and_likelihood(packed):
    name, index, data = packed
    entry = entry_of(name, read_index(name, index)[0])
    assert is_sound(KEYS[0], entry, data[:12])
    assert not is_sound(KEYS[1], entry, data[:12])
    assert not is_sound(KEYS[0], entry, data[1:13])
    changed = dataclasses.replace(entry, log_likelihood=np.float32(-1.5))
    assert not is_sound(KEYS[0], changed, data[:12])
