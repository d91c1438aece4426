"""A small reference."""

import pysam
import pytest

from .records import GENOME


@pytest.fixture
def folder(tmp_path):
    """A folder with the reference of `records`."""
    (tmp_path / "genome.fa").write_text(f">chr1\n{GENOME}\n")
    pysam.faidx(str(tmp_path / "genome.fa"))
    return tmp_path
