"""`extract_examples` against its brute-force twin, on random small worlds."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evoflow.errors import InputError
from evoflow.extract.examples import extract_examples

from . import twin
from .worlds import random_world

SHARED = [
    "position", "ref", "alt", "rsid", "consequence", "impact_score", "genotype", "carries_alt",
    "read_name", "strand", "sequence", "reference_sequence", "variant_offset",
    "other_alleles",
]  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), length=st.sampled_from([20, 25, 40]))
def test_rows_are_those_of_the_twin(seed, length):
    world = random_world(seed)
    expected = twin.rows(world, twin.Rules(length, 20, 3, seed % 5))
    with TemporaryDirectory() as folder:
        data = world.write(
            Path(folder),
            read_length=length,
            min_mapping_quality=20,
            reads_per_variant=3,
            reference_loci="all",
            seed=seed % 5,
        )
        if not any(row[7] for row in expected):
            with pytest.raises(InputError):
                extract_examples(data, processes=1)
            return
        examples = extract_examples(data, processes=1).examples
    assert list(examples[SHARED].itertuples(index=False, name=None)) == expected
