"""Small made-up tables of examples."""

import numpy as np
import pandas as pd
import pytest

from evoflow.table import COLUMNS

LENGTH = 20


@pytest.fixture
def table():
    """Make a table of examples from a few columns; the others get plain values."""

    def make(**given):
        size = max(len(values) for values in given.values())
        rng = np.random.default_rng(7)
        bases = rng.choice(list("ACGT"), size=(size, LENGTH))
        plain = {
            "individual": "A",
            "contig": "chr1",
            "position": np.arange(1, size + 1) * 1000,
            "ref": "A",
            "alt": "G",
            "gene": "",
            "impact": "NONE",
            "label": 0,
            "carries_alt": False,
            "read_name": [f"read{number}" for number in range(size)],
            "variant_offset": 10,
            "sequence": ["".join(row) for row in bases],
        }
        plain["reference_sequence"] = given.get("sequence", plain["sequence"])
        values = {name: "" if kind == "str" else 0 for name, kind in COLUMNS.items()}
        frame = pd.DataFrame({**values, **plain, **given}, index=range(size))
        return frame[[*COLUMNS, "label"]].astype(COLUMNS)

    return make
