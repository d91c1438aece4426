"""A way to choose among reads at one locus."""

import pandas as pd
import pysam
import pytest

from evoflow.extract.evidence.alignment import Evidence
from evoflow.extract.evidence.called_alleles import CalledAlleles
from evoflow.extract.evidence.read_choice import ReadChooser
from evoflow.extract.evidence.read_trimming import ReadRules
from evoflow.extract.vcf.normalise import KEY
from tests.extract.evidence.choosing import BESIDE, GENOME, SNV


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    path = tmp_path_factory.mktemp("genome") / "genome.fa"
    path.write_text(f">1\n{GENOME[:40]}R{GENOME[41:]}\n".lower())
    pysam.faidx(str(path))
    with pysam.FastaFile(str(path)) as opened:
        yield opened


@pytest.fixture
def choose(genome):
    """Choose among reads that start at 100 and have 100 bases, unless told."""

    def choose(reads, *, shows=Evidence.ALTERNATE, called=(SNV, BESIDE), key=SNV, **rules):
        values = {"length": 60, "min_mapping_quality": 20, "min_base_quality": 10, "wanted": 8}
        alleles = CalledAlleles(genome, "1", pd.DataFrame(called, columns=KEY), 60)
        chooser = ReadChooser(
            ReadRules(**(values | rules), evidence=shows, seed=0), genome, "1", alleles, "ann"
        )
        kept = chooser.choose(reads, [alleles.footprint(*key)])[0]
        return kept, +chooser.counts

    return choose
