"""What a user can get wrong: each case breaks one thing in a small, sound world."""

import os

import pysam
import pytest
from click.testing import CliRunner

from evoflow.__main__ import main
from evoflow.errors import InputError
from evoflow.inputs import preflight
from tests.extract.worlds import SAMPLE, write_vcf
from tests.inputs.spoiled import CASES, LENGTH, change, settings_of, small_world


@pytest.mark.parametrize(
    ("spoil", "message"), CASES, ids=lambda value: getattr(value, "__name__", "")
)
def test_one_message_and_no_result(folder, spoil, message):
    spoil(folder)
    output = folder / "examples.jsonl"
    result = CliRunner().invoke(
        main,
        ["extract", str(folder / "data.yaml"), "--output", str(output), "--processes", "1"],
    )
    assert result.exit_code == 1
    assert not isinstance(result.exception, InputError | ValueError | OSError)
    text = " ".join(result.output.split())
    with pytest.raises(InputError, match=message):
        raise InputError(text)
    assert "Traceback" not in result.output
    assert not output.exists()


def test_a_sound_world_gives_its_allele(folder):
    output = folder / "examples.jsonl"
    arguments = ["extract", str(folder / "data.yaml"), "--output", str(output), "--processes", "1"]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert len(output.read_text().splitlines()) == 8


def test_output_without_a_folder(folder):
    arguments = ["extract", str(folder / "data.yaml"), "--output", str(folder / "no" / "out.jsonl")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert f"the folder {folder / 'no'} does not exist; create it" in result.output


def test_all_problems_are_reported_together(folder):
    change(folder, sample="HG00553", reads=str(folder / "absent.bam"))
    (folder / "genome.fa.fai").unlink()
    with pytest.raises(InputError) as caught:
        preflight.check(settings_of(folder))
    text = "\n".join(caught.value.problems)
    assert all(word in text for word in ("HG00553", "absent.bam", "genome.fa: has no index"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(folder):
    (folder / "reads.bam").chmod(0)
    with pytest.raises(InputError, match=r"reads\.bam: you have no permission to read it"):
        preflight.check(settings_of(folder))


def test_bcf_is_read_as_vcf_is(folder):
    pysam.bcftools.view(
        "-Ob", "-o", str(folder / "person.bcf"), str(folder / "person.vcf.gz"), catch_stdout=False
    )
    pysam.bcftools.index(str(folder / "person.bcf"))
    change(folder, variants=str(folder / "person.bcf"))
    assert list(preflight.check(settings_of(folder)).contigs["variants"]) == ["chr1"]


def test_odd_but_harmless_things_are_warnings(folder):
    write_vcf(folder / "person.vcf", "chr1", LENGTH, small_world().called, "alias")
    os.utime(folder / "reads.bam.bai", (0, 0))
    change(folder, sample="alias")
    warnings = "\n".join(preflight.check(settings_of(folder)).warnings)
    assert f"its read groups name {SAMPLE}, the settings 'alias'" in warnings
    assert "reads.bam.bai: is older than" in warnings


def test_contigs_are_listed_as_each_file_spells_them(folder):
    row = preflight.check(settings_of(folder)).contigs.iloc[0].to_dict()
    assert row == {
        "contig": "chr1", "length": LENGTH, "clinvar": "1", "reads": "chr1", "variants": "chr1",
    }  # fmt: skip
