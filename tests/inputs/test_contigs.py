import pytest

from evoflow.errors import InputError
from evoflow.inputs.contigs import BUILDS, Region, canonical_name, genome_build, parse_region


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
