"""Paths and URLs as settings hold them, and as they are opened."""

import pytest

from evoflow import secrets
from evoflow.settings import DataSettings, is_remote, load, resolve, split_query, split_s3
from evoflow.settings.locations import check_location
from tests.settings.problems import FILES


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    """A memory of expansions of its own: messages of other tests are cleaned by it."""
    monkeypatch.setattr(secrets, "_expanded", {})


def test_paths_are_resolved_against_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("CLINVAR", "/data/clinvar")
    settings = load(
        DataSettings,
        FILES | {"reference": "~/r.fa", "clinvar": "${CLINVAR}/c.vcf.gz"},
    )
    assert settings.reference == "/home/ada/r.fa"
    assert settings.clinvar == "${CLINVAR}/c.vcf.gz"
    assert resolve(settings.clinvar) == "/data/clinvar/c.vcf.gz"
    assert settings.individuals[0].reads == str(tmp_path / "a.bam")


def test_urls_keep_their_form():
    settings = load(DataSettings, FILES | {"reference": "s3://bucket/hg38.fa"})
    assert settings.reference == "s3://bucket/hg38.fa"


def test_a_variable_may_hold_a_url(monkeypatch):
    monkeypatch.setenv("DATA", "s3://lab")
    monkeypatch.setenv("HERE", "/data")
    assert is_remote("${DATA}/a.bam")
    assert not is_remote("${HERE}/a.bam")
    assert resolve("${DATA}/a.bam") == "s3://lab/a.bam"


def test_a_variable_that_is_empty_names_no_file(monkeypatch):
    monkeypatch.setenv("NOTHING", "")
    with pytest.raises(ValueError, match="is empty; name a file"):
        resolve("${NOTHING}")


def test_a_scheme_may_be_in_capitals(monkeypatch):
    monkeypatch.setenv("DATA", "S3://lab")
    assert check_location("S3://Lab/A.bam") == "s3://Lab/A.bam"
    assert is_remote("${DATA}/a.bam")
    assert resolve("${DATA}/a.bam") == "s3://lab/a.bam"


@pytest.mark.parametrize("key", ["run#1/a?b.bam", "a b+c%20.bam", "x&date=2024;y/a.bam", "[a", ""])
def test_an_s3_key_is_taken_as_it_is(key):
    assert split_s3(check_location(f"s3://lab/{key}")) == ("lab", key)


def test_only_s3_urls_have_buckets():
    assert split_s3("https://lab/a") is None
    assert split_s3("/data/s3://lab") is None


@pytest.mark.parametrize(
    ("plain", "query"),
    [
        ("https://lab.org/a.bam", "?sig=a%2Fb==&x=1#part"),
        ("https://lab.org/a.bam", "#part?"),
        ("https://lab.org/a.bam", ""),
        ("s3://lab/run#1/a?b.bam", ""),
        ("${DATA}/run#1/a?b.bam", ""),
    ],
)
def test_only_web_servers_have_queries(monkeypatch, plain, query):
    monkeypatch.setenv("DATA", "s3://lab")
    assert split_query(plain + query) == (plain, query)
