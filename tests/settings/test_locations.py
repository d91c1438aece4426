"""Paths and URLs as settings hold them, and as they are opened."""

import pytest

from evoflow.settings import DataSettings, is_remote, load, resolve
from tests.settings.problems import FILES


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
