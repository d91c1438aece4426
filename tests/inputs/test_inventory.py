"""Contigs of files called as the reference calls them, and the regions to stay within."""

import pysam
import pytest

from evoflow.errors import InputError
from evoflow.inputs.contigs import Genome
from evoflow.inputs.inventory import held_of, lengths_in_header, regions_of, usable_contigs
from evoflow.settings import DataSettings

GENOME = Genome({"chr1": 1000, "chr2": 500, "chrM": 16})


def test_records_are_added_up_over_all_spellings_and_foreign_ones_kept_apart():
    held = held_of(GENOME, {"1": 1000, "chr1": 0, "2": 0}, {"1": 5, "chr1": 7, "decoy": 3})
    assert held.spellings["chr1"] == ("chr1", "1")  # those with most records first
    assert held.records == {"chr1": 12}
    assert held.foreign == {"decoy": 3}
    assert held.names_with_records() == ["chr1", "1", "decoy"]
    assert held.spellings["chr2"] == ("2",)  # listed, without records


def test_contigs_are_usable_where_all_files_have_records():
    reads = held_of(GENOME, {}, {"chr1": 1, "chr2": 1})
    calls = held_of(GENOME, {}, {"2": 4})
    assert usable_contigs(GENOME.lengths, reads, calls) == ["chr2"]


def regions(*texts):
    settings = DataSettings(demo={}, regions=texts)
    return regions_of(settings, GENOME)


def test_regions_are_merged_and_sorted_as_the_reference_has_its_contigs():
    assert regions("chr2:11-20", "1:301-400", "chr1:1-100", "chr1:101-150") == {
        "chr1": ((0, 150), (300, 400)),
        "chr2": ((10, 20),),
    }
    assert regions_of(DataSettings(demo={}), GENOME)["chr2"] == ((0, 500),)


def test_every_region_that_is_wrong_is_named():
    with pytest.raises(InputError) as caught:
        regions("chr9", "chr2:400-501", "chr1:5-6")
    assert [problem.split(" ", 2)[1] for problem in caught.value.problems] == [
        "'chr9'",
        "'chr2:400-501'",
    ]


def test_a_header_states_its_lengths_where_it_does(tmp_path):
    path = tmp_path / "x.vcf"
    path.write_text(
        "##fileformat=VCFv4.2\n##contig=<ID=1,length=1000>\n##contig=<ID=2>\n"
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    )
    pysam.tabix_index(str(path), preset="vcf")
    assert lengths_in_header(f"{path}.gz") == {"1": 1000, "2": 0}
