"""A small, sound world, what can be wrong with it, and the message that says so."""

import gzip
from pathlib import Path
from random import Random

import pysam
import yaml

from evoflow.files.htslib import quiet
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
    # Not compressed: in whatever order, the reads take as many bytes.
    with pysam.AlignmentFile(path, "wbu", header=raw) as file:
        for read in kept[::-1] if backwards else kept:
            file.write(read)


def unsorted_bam(folder):
    rewrite_bam(folder, "queryname", backwards=True)
    (folder / "reads.bam.bai").unlink()


def unsorted_bam_with_an_index(folder):
    rewrite_bam(folder, "coordinate")
    pysam.index(str(folder / "reads.bam"))
    rewrite_bam(folder, "coordinate", backwards=True)


def unsorted_bam_with_the_index_of_the_sorted_one(folder):
    rewrite_bam(folder, "unsorted", backwards=True)


def vcf_as_plain_gzip(folder):
    path = folder / "person.vcf.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())))


def fasta_as_plain_gzip(folder):
    path = folder / "genome.fa.gz"
    path.write_bytes(gzip.compress((folder / "genome.fa").read_bytes()))
    change(folder, reference=str(path))


def fasta_with_a_contig_twice(folder):
    path = folder / "genome.fa"
    path.write_text(path.read_text() + ">chr1 again\nACGT\n")
    with quiet():
        pysam.faidx(str(path))


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
    (
        unsorted_bam_with_the_index_of_the_sorted_one,
        r"reads\.bam\.bai: belongs to another file than .* or not sorted; .*samtools index",
    ),
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
    (fasta_cut_off, r"genome\.fa: contig chr1 is shorter than .*it is cut off"),
    (fasta_of_another_index, r"genome\.fa: contig chr1 is not where .*genome\.fa\.fai has it"),
    (fasta_as_plain_gzip, r"genome\.fa\.gz: is compressed with gzip, not bgzip.*\| bgzip"),
    (fasta_with_a_contig_twice, r"genome\.fa: contig chr1 comes twice"),
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
    (
        unknown_term,
        r"clinvar\.vcf\.gz: unknown consequence terms: SO:9999999\|missense_variant;",
    ),
    (only_an_unknown_term, r"ClinVar knows none of these.*1 alleles: consequence is unknown"),
    (header_contig_without_reads, r"reads\.bam: holds no read"),
]
