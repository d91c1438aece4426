import pytest

from evoflow.errors import InputError
from evoflow.inputs.contigs import (
    BUILDS,
    Genome,
    Region,
    accession_build,
    canonical_name,
    genome_build,
    parse_region,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("chr17", "17"), ("Chr17", "17"), ("17", "17"), ("chrM", "MT"), ("MT", "MT"), ("chr", "chr"),
     ("chr17_KI270729v1_random", "17_KI270729v1_random"), ("HLA-A*01:01", "HLA-A*01:01")],
)  # fmt: skip
def test_canonical(name, expected):
    assert canonical_name(name) == expected


@pytest.mark.parametrize("build", BUILDS)
def test_build_is_told_by_any_chromosome(build):
    for name, length in BUILDS[build].items():
        assert genome_build({f"chr{name}": length}) == build


def test_unknown_build():
    assert genome_build({"chr1": 200_000}) is None
    assert genome_build({}) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("chr21", Region("chr21")),
        ("17:1-100", Region("17", 0, 100)),
        ("17:43,044,046-43,125,733", Region("17", 43_044_045, 43_125_733)),
        ("HLA-A*01:01:01:01:5-5", Region("HLA-A*01:01:01:01", 4, 5)),
    ],
)
def test_region(text, expected):
    assert parse_region(text) == expected


@pytest.mark.parametrize("text", ["17:0-10", "17:20-10"])
def test_empty_region(text):
    with pytest.raises(InputError, match=text):
        parse_region(text)


HUMAN = Genome({"chr1": 500, "chr22": 400, "chrX": 300, "chrY": 200, "chrM": 100})


@pytest.mark.parametrize(
    ("name", "contig"),
    [
        ("1", "chr1"), ("CHR1", "chr1"), ("chrx", "chrX"), ("x", "chrX"), ("23", "chrX"),
        ("chr23", "chrX"), ("24", "chrY"), ("25", "chrX"), ("26", "chrM"), ("XY", "chrX"),
        ("NC_000001.10", "chr1"), ("nc_000024.10", "chrY"), ("NC_012920.1", "chrM"), ("MT", "chrM"),
        ("27", None), ("2", None), ("chrUn_1", None), ("NC_000025.1", None), ("*", None),
    ],
)  # fmt: skip
def test_names_of_other_files_are_found_where_they_are_certain(name, contig):
    assert HUMAN.find(name) == contig


def test_plinks_numbers_are_a_humans_alone():
    cow = Genome({f"chr{number}": 100 for number in range(1, 30)} | {"chrX": 50})
    assert cow.find("23") == "chr23"
    dog = Genome({f"chr{number}": 100 for number in (1, 38)} | {"chrX": 50})
    assert dog.find("23") is None


def test_an_accession_of_another_build_is_another_contig():
    grch38 = Genome({f"chr{name}": length for name, length in BUILDS["GRCh38"].items()})
    assert grch38.find("NC_000017.11") == "chr17"
    assert grch38.find("NC_000017.10") is None
    assert accession_build("NC_000017.10") == "GRCh37"
    assert accession_build("NC_060941.1") == "T2T-CHM13v2.0"


def test_of_two_mitochondria_the_length_tells_which_is_meant():
    # UCSC's hg19 has the old one as chrM and the one that all others use as chrMT.
    hg19 = Genome({"chr1": 500, "chrM": 16_571, "chrMT": 16_569})
    assert hg19.find("MT") == "chrMT"
    assert hg19.find("chrM") == "chrM"
    assert hg19.find("chrM", 16_569) == "chrMT"
    assert hg19.find("M", 16_571) == "chrM"
