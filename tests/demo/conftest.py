"""The demo at seed 0: made once for all tests, as files and as the objects behind them."""

from dataclasses import dataclass
from pathlib import Path

import pysam
import pytest
from numpy.random import default_rng

from evoflow import demo
from evoflow.demo.clinvar import ClinVarRecord, make_clinvar
from evoflow.demo.genes import Genome, make_genome
from evoflow.demo.individual import Call, make_individual
from evoflow.settings import DataSettings, DemoSettings


@dataclass(frozen=True)
class World:
    """What stands behind the files."""

    genome: Genome
    clinvar: list[ClinVarRecord]
    calls: tuple[Call, ...]


@pytest.fixture(scope="session")
def data():
    """Settings that name the demo's files."""
    return demo.prepare(DataSettings(demo=DemoSettings()))


@pytest.fixture(scope="session")
def folder(data):
    """Folder of the demo's files."""
    return Path(data.reference).parent


@pytest.fixture(scope="session")
def world():
    rng = default_rng(0)
    genome = make_genome(rng)
    clinvar = make_clinvar(rng, genome)
    return World(genome, clinvar, make_individual(rng, genome, clinvar))


@pytest.fixture(scope="session")
def bases(data):
    """Sequences as the FASTA has them, by contig."""
    with pysam.FastaFile(data.reference) as fasta:
        return {contig: fasta.fetch(contig) for contig in fasta.references}
