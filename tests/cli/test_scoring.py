"""Commands that score variants: their options, checked before a head is looked for."""

import pytest
from click.testing import CliRunner

from evoflow.cli import main
from evoflow.predict import export


@pytest.fixture
def never(monkeypatch):
    """Fail if a head is looked for."""
    looked = []
    monkeypatch.setattr(export, "find_head", looked.append)
    return looked


@pytest.mark.parametrize(
    "given",
    [
        [],
        ["--data", "d.yaml", "--variants", "v.vcf", "--reference", "r.fa"],
        ["--variants", "v.vcf"],
        ["--reference", "r.fa", "--data", "d.yaml"],
    ],
)
def test_either_reads_or_variants_with_their_reference(never, tmp_path, given):
    output = str(tmp_path / "x.tsv")
    done = CliRunner().invoke(main, ["predict", "head", "--output", output, *given])
    assert done.exit_code == 2
    assert "give either --data, or --variants with --reference" in done.output
    assert never == []


@pytest.mark.parametrize(
    ("words", "ending"),
    [
        (["predict", "head", "--data", "d.yaml", "--output", "x.csv"], ".tsv, .tsv.gz, .vcf, "),
        (
            ["explain", "head", "--variants", "v.vcf", "--reference", "r.fa", "--output", "x.pdf"],
            ".html",
        ),
    ],
)
def test_an_output_of_another_kind_is_refused_first(never, words, ending):
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 1
    assert f"its name must end in {ending}" in done.output
    assert never == []
