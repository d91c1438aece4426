"""Which contigs become units, and under which names their files have them."""

import pysam
import pytest

from evoflow.extract.planning import plan_units
from evoflow.extract.pool import Pool

from .worlds import random_world, write_vcf


@pytest.fixture
def data(tmp_path):
    return random_world(0).write(tmp_path)


def plan(data, folder, **options):
    with Pool(1) as pool:
        return plan_units(data, pool, folder, **options)


def test_a_unit_has_the_contig_as_each_file_spells_it(data, tmp_path):
    found = plan(data, tmp_path)
    (unit,) = found.units
    assert (unit.contig, unit.reads_spelling) == ("chr1", "chr1")
    assert (unit.called.spellings, unit.clinvar.spellings) == (("chr1",), ("1",))
    assert unit.contig_length == pysam.FastaFile(data.reference).get_reference_length("chr1")
    assert unit.clinvar_table.stat().st_size > 0
    assert found.left_out == ()


def test_a_contig_without_clinvars_records_is_one_where_all_alleles_are_wanted(data, tmp_path):
    write_vcf(tmp_path / "elsewhere.vcf", "2", 1000, random_world(0).clinvar)
    lacking = data.model_copy(update={"clinvar": str(tmp_path / "elsewhere.vcf.gz")})
    found = plan(lacking, tmp_path)
    assert found.units == ()
    reasons = {(each.contig, each.reason) for each in found.left_out}
    assert ("chr1", "ClinVar has no record on it") in reasons
    (unit,) = plan(lacking, tmp_path, unlisted=True).units
    assert unit.clinvar_table.stat().st_size == 0
