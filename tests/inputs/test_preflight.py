"""What a user can get wrong: each case breaks one thing in a small, sound world."""

import gzip
import os
from pathlib import Path
from random import Random

import pysam
import pytest
import yaml
from click.testing import CliRunner

from evoflow.__main__ import main
from evoflow.errors import InputError
from evoflow.inputs import preflight
from evoflow.settings import DataSettings, load
from tests.extract.worlds import SAMPLE, Record, World, make_read, write_reads, write_vcf

LENGTH = 600


def small_world() -> World:
    """One carried SNV that ClinVar knows, under twenty reads of 60 bases."""
    genome = "".join(Random(7).choices("ACGT", k=LENGTH))
    alt = "A" if genome[299] != "A" else "C"
    record = Record(300, genome[299], (alt,), "12", rs="7", mc="SO:0001583|missense_variant")
    carrying = genome[:299] + alt + genome[300:]
    reads = [
        make_read(LENGTH, f"read{start}", start, carrying[start : start + 60], "60M")
        for start in range(245, 285, 2)
    ]
    return World(genome, [record], [record], reads)


@pytest.fixture
def folder(tmp_path):
    settings = small_world().write(tmp_path, read_length=50)
    raw = settings.model_dump(mode="json", exclude_defaults=True)
    (tmp_path / "data.yaml").write_text(yaml.safe_dump(raw))
    return tmp_path


def settings_of(folder: Path) -> DataSettings:
    return load(DataSettings, yaml.safe_load((folder / "data.yaml").read_text()))


def change(folder: Path, **settings) -> None:
    raw = yaml.safe_load((folder / "data.yaml").read_text())
    for key, value in settings.items():
        (raw if key in DataSettings.model_fields else raw["individuals"][0])[key] = value
    (folder / "data.yaml").write_text(yaml.safe_dump(raw))


def rewrite_vcf(folder: Path, name: str, old: str, new: str) -> None:
    """Replace text of a VCF and index it anew."""
    plain = folder / name
    text = gzip.decompress((folder / f"{name}.gz").read_bytes()).decode()
    assert old in text
    plain.write_text(text.replace(old, new))
    pysam.tabix_index(str(plain), preset="vcf", force=True)


def missing_file(folder):
    change(folder, reads=str(folder / "absent.bam"))


def directory(folder):
    change(folder, clinvar=str(folder))


def empty_file(folder):
    (folder / "reads.bam").write_bytes(b"")


def not_a_bam(folder):
    (folder / "reads.bam").write_bytes(b"@HD this is no BAM")


def truncated_bam(folder):
    path = folder / "reads.bam"
    path.write_bytes(path.read_bytes()[:-40])


def bam_without_index(folder):
    (folder / "reads.bam.bai").unlink()


def rewrite_bam(folder, order, *, backwards=False):
    """Write the reads anew, with another word for their order; the index stays."""
    path = str(folder / "reads.bam")
    with pysam.AlignmentFile(path) as reads:
        raw, kept = reads.header.to_dict(), list(reads)
    raw["HD"]["SO"] = order
    with pysam.AlignmentFile(path, "wb", header=raw) as file:
        for read in kept[::-1] if backwards else kept:
            file.write(read)


def unsorted_bam(folder):
    rewrite_bam(folder, "queryname", backwards=True)
    (folder / "reads.bam.bai").unlink()


def unsorted_bam_with_an_index(folder):
    rewrite_bam(folder, "coordinate", backwards=True)


def vcf_as_plain_gzip(folder):
    path = folder / "person.vcf.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())))


def vcf_uncompressed(folder):
    (folder / "person.vcf").write_bytes(gzip.decompress((folder / "person.vcf.gz").read_bytes()))
    change(folder, variants=str(folder / "person.vcf"))


def vcf_without_index(folder):
    (folder / "person.vcf.gz.tbi").unlink()


def vcf_without_the_sample(folder):
    change(folder, sample="HG00553")


def vcf_without_genotypes(folder):
    rewrite_vcf(folder, "person.vcf", "GT", "DP")


def clinvar_without_rs_and_mc(folder):
    world = small_world()
    bare = [Record(300, world.clinvar[0].ref, world.clinvar[0].alts)]
    write_vcf(folder / "clinvar.vcf", "1", LENGTH, bare)
    for tag in ("RS", "MC"):
        rewrite_vcf(folder, "clinvar.vcf", f"ID={tag},", f"ID=X{tag},")


def contig_of_another_length(folder):
    (folder / "genome.fa").write_text(f">chr1\n{small_world().genome}ACGT\n")
    pysam.faidx(str(folder / "genome.fa"))


def fasta_cut_off(folder):
    (folder / "genome.fa").write_text(f">chr1\n{small_world().genome[:-1]}")


def fasta_of_another_index(folder):
    (folder / "genome.fa").write_text(f">chrom1\n{small_world().genome}\n")


def another_reference(folder):
    (folder / "genome.fa").write_text(f">chr1\n{'A' * LENGTH}\n")


def _sound_then_lifted_from_elsewhere(sound: str) -> list[Record]:
    """Records of which the first 250, more than are looked at before the work, are sound."""
    return [
        Record(at, base if at <= 290 else "ACGT"[("ACGT".index(base) + 1) % 4], ("N",), rs="7")
        for at, base in enumerate(sound, 1)
        if 40 < at <= 293
    ]


def clinvar_of_another_reference_further_on(folder):
    records = _sound_then_lifted_from_elsewhere(small_world().genome)
    write_vcf(folder / "clinvar.vcf", "1", LENGTH, [*records, *small_world().clinvar])


def variants_of_another_reference_further_on(folder):
    records = _sound_then_lifted_from_elsewhere(small_world().genome)
    write_vcf(folder / "person.vcf", "chr1", LENGTH, [*records, *small_world().called], SAMPLE)


def fasta_without_index(folder):
    (folder / "genome.fa.fai").unlink()


def fasta_without_the_contig(folder):
    (folder / "genome.fa").write_text(f">chr2\n{'A' * LENGTH}\n")
    pysam.faidx(str(folder / "genome.fa"))


def region_on_no_contig(folder):
    change(folder, regions=["chr9"])


def region_behind_the_end(folder):
    change(folder, regions=["chr1:500-700"])


def region_backwards(folder):
    change(folder, regions=["chr1:50-20"])


def region_without_variants(folder):
    change(folder, regions=["chr1:260-280"])


def region_without_reads(folder):
    change(folder, regions=["chr1:1-100"])


def nothing_in_common(folder):
    world = small_world()
    other = [Record(200, world.genome[199], ("A" if world.genome[199] != "A" else "C",), rs="1")]
    write_vcf(folder / "clinvar.vcf", "1", LENGTH, other)


def no_contig_in_common(folder):
    world = small_world()
    write_vcf(folder / "clinvar.vcf", "9", LENGTH, world.clinvar)


def reads_too_short(folder):
    change(folder, read_length=61)


def reads_of_somebody_else(folder):
    world = small_world()
    for read in world.reads:
        read.query_sequence = world.genome[read.reference_start : read.reference_start + 60]
    write_reads(folder / "reads.bam", world.reads, LENGTH)


def unknown_term(folder):
    rewrite_vcf(folder, "clinvar.vcf", "SO:0001583", "SO:9999999")
    change(folder, unknown_consequences="error")


def only_an_unknown_term(folder):
    rewrite_vcf(folder, "clinvar.vcf", "SO:0001583", "SO:9999999")


def header_contig_without_reads(folder):
    write_reads(folder / "reads.bam", [], LENGTH)


CASES = [
    (missing_file, r"absent\.bam: there is no such file"),
    (directory, r"is a folder; name a file in it"),
    (empty_file, r"reads\.bam: is empty"),
    (not_a_bam, r"reads\.bam: is neither BAM nor CRAM"),
    (truncated_bam, r"reads\.bam: .*(is cut off|may be truncated)"),
    (bam_without_index, r"reads\.bam: has no index .* `samtools index .*reads\.bam`"),
    (unsorted_bam, r"reads\.bam: its order is 'queryname'.*samtools sort"),
    (unsorted_bam_with_an_index, r"reads\.bam: its reads are not in the order.*samtools sort"),
    (vcf_as_plain_gzip, r"person\.vcf\.gz: its compression is GZIP.*bcftools view -Oz"),
    (vcf_uncompressed, r"person\.vcf: its compression is NONE.*bcftools view -Oz"),
    (vcf_without_index, r"person\.vcf\.gz: has no index .*`bcftools index"),
    (vcf_without_the_sample, r"has no sample 'HG00553' \(it has person\)"),
    (vcf_without_genotypes, r"person\.vcf\.gz: has no genotypes"),
    (clinvar_without_rs_and_mc, r"clinvar\.vcf\.gz: has no INFO field RS or MC"),
    (
        contig_of_another_length,
        r"reads\.bam: its contig chr1 has 600 bases, that of .*genome\.fa 604",
    ),
    (
        another_reference,
        r"person\.vcf\.gz: REF differs from .*genome\.fa in 1 of 1 records: chr1:300",
    ),
    (
        clinvar_of_another_reference_further_on,
        r"clinvar\.vcf\.gz: REF differs from .*genome\.fa in 3 of 254 records: chr1:291 has",
    ),
    (
        variants_of_another_reference_further_on,
        r"person\.vcf\.gz: REF differs from .*genome\.fa in 3 of 254 records: chr1:291 has",
    ),
    (fasta_cut_off, r"genome\.fa: contig chr1 ends too early for .*it is cut off"),
    (fasta_of_another_index, r"genome\.fa: contig chr1 is not where .*genome\.fa\.fai has it"),
    (fasta_without_index, r"genome\.fa: has no index .*`samtools faidx"),
    (
        fasta_without_the_contig,
        r"reads\.bam: holds no read on contigs of .*genome\.fa \(it has chr1\)",
    ),
    (region_on_no_contig, r"'chr9' is not on any contig of .*genome\.fa \(chr1\)"),
    (region_behind_the_end, r"'chr1:500-700' ends after the end of the contig, at 600"),
    (region_backwards, r"'chr1:50-20' is empty"),
    (region_without_variants, r"ClinVar knows none of these.*within regions chr1:260-280"),
    (region_without_reads, r"reads\.bam: holds no read within regions chr1:1-100"),
    (nothing_in_common, r"ClinVar knows none of these.*1 alleles: ClinVar does not list it"),
    (no_contig_in_common, r"ClinVar knows none of these.*on chr1, .*on 9"),
    (
        reads_too_short,
        r"each of the 20 reads looked at is shorter than read_length 61;.*set read_length: 60",
    ),
    (reads_of_somebody_else, r"no read shows any of the 1 alleles.*20 shows the reference"),
    (unknown_term, r"clinvar\.vcf\.gz: no table lists .* SO:9999999\|missense_variant; with"),
    (only_an_unknown_term, r"ClinVar knows none of these.*1 alleles: consequence is unknown"),
    (header_contig_without_reads, r"reads\.bam: holds no read"),
]


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
