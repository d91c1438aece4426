import pytest

from evoflow.errors import InputError
from evoflow.remote.clients import source
from evoflow.remote.s3 import S3Object
from evoflow.remote.web import WebFile


def test_the_scheme_chooses_who_is_asked():
    assert source("s3://lab/a/b.bam") == S3Object("s3://lab/a/b.bam", "lab", "a/b.bam", False)
    assert source("https://lab.org/b.bam") == WebFile("https://lab.org/b.bam")


def test_a_key_and_a_query_are_asked_for_as_they_are():
    assert source("s3://lab/run#1/a?b.bam") == S3Object(
        "s3://lab/run#1/a?b.bam", "lab", "run#1/a?b.bam", False
    )
    signed = "https://lab.org/b.bam?X-Amz-Date=2024&sig=a%2Fb==#part"
    assert source(signed) == WebFile(signed)


@pytest.mark.parametrize("url", ["ftp://lab.org/b.bam", "s3://lab", "https:///b.bam"])
def test_what_nobody_can_be_asked_for_is_refused(url):
    with pytest.raises(InputError, match="cannot be read; give a path, s3://bucket/key or https"):
        source(url)


def test_a_variable_in_a_url_is_expanded(monkeypatch):
    monkeypatch.setenv("TOKEN", "t0")
    assert source("https://lab.org/b.bam?key=${TOKEN}") == WebFile("https://lab.org/b.bam?key=t0")


@pytest.mark.parametrize(
    ("url", "public"),
    [
        (
            "gs://gcp-public-data--broad-references/hg38/v0/x.fasta",
            "https://storage.googleapis.com/gcp-public-data--broad-references/hg38/v0/x.fasta",
        ),
        ("ftp://ftp.ncbi.nlm.nih.gov/x.vcf.gz", "https://ftp.ncbi.nlm.nih.gov/x.vcf.gz"),
    ],
)
def test_where_a_public_file_of_another_scheme_is_is_said(url, public):
    with pytest.raises(InputError, match=rf"^{url}: cannot be read; .* {public}\)$"):
        source(url)
