"""Files that can be read, with an index that is theirs."""

import gzip
import os

import pysam
import pysam.samtools
import pytest

from evoflow.errors import InputError
from evoflow.inputs import readable
from evoflow.settings import Individual
from tests.inputs.odd_files import write_header
from tests.inputs.spoiled import settings_of


def test_sound_files_give_no_warning(folder):
    data = settings_of(folder)
    (person,) = data.individuals
    assert readable.check_reference(data.reference) == []
    assert readable.check_reads(person.reads) == []
    assert readable.check_variants(person.variants) == []
    assert readable.sample_of(person) == person.sample


def test_an_index_is_found_beside_its_file_under_either_name(tmp_path):
    (tmp_path / "a.bam").write_bytes(b"x")
    with pytest.raises(InputError, match=r"a\.bam: has no index .*`make it .*a\.bam`"):
        readable.find_index(str(tmp_path / "a.bam"), "make it")
    for name in ("a.bai", "a.bam.bai", "a.csi"):  # htslib takes the last of these
        (tmp_path / name).write_bytes(b"x")
        assert readable.find_index(str(tmp_path / "a.bam"), "make it") == tmp_path / name


@pytest.mark.parametrize(
    "description", [b" hg38 A>G edited", b" >chrX", b" x >" * 3000, b"\r", b"\tM5:1"]
)
def test_a_description_of_a_contig_may_be_any_text(tmp_path, description):
    path = tmp_path / "genome.fa"
    path.write_bytes(b">chr1" + description + b"\nACGT\n>chrX" + description + b"\nACGT\n")
    pysam.faidx(str(path))
    assert readable.check_reference(str(path)) == []


def test_the_index_of_a_fasta_may_be_sorted(tmp_path):
    path, index = tmp_path / "genome.fa", tmp_path / "genome.fa.fai"
    path.write_text(">chrX\nACGT\n>chr1\nACGTA\n>chr2\nAC\n")
    pysam.faidx(str(path))
    index.write_text("".join(sorted(index.read_text().splitlines(keepends=True))))
    assert readable.check_reference(str(path)) == []


def test_an_index_of_a_fasta_is_told_where_it_is_broken_and_none_is_written(tmp_path):
    plain, packed = tmp_path / "genome.fa", tmp_path / "genome.fa.gz"
    plain.write_text(">chr1\nACGTACGTACGT\n>chr2\nACGTACGTACGT\n")
    pysam.tabix_compress(str(plain), str(packed))
    pysam.faidx(str(packed))
    for ending, size in ((".gzi", 4), (".fai", 20)):
        index = tmp_path / f"genome.fa.gz{ending}"
        whole = index.read_bytes()
        index.write_bytes(whole[:size])
        with pytest.raises(InputError, match=rf"genome\.fa\.gz\{ending}: .*`samtools faidx`"):
            readable.check_reference(str(packed))
        index.rename(tmp_path / f"genome.fa{ending}")  # where htslib does not look
        with pytest.raises(InputError, match=rf"genome\.fa\.gz: has no index .*\.gz\{ending};"):
            readable.check_reference(str(packed))
        assert not index.exists()
        index.write_bytes(whole)


def test_a_header_line_that_pysam_does_not_know_is_passed_over(tmp_path):
    write_header(tmp_path / "reads.bam", b"@HD\tVN:1.6\tSO:coordinate", b"@XX\tAB:foo")
    pysam.samtools.index(str(tmp_path / "reads.bam"))
    assert readable.check_reads(str(tmp_path / "reads.bam")) == []


@pytest.mark.parametrize("ending", ["bai", "csi"])
def test_an_index_that_is_cut_off_is_told_before_htslib_reads_it(folder, ending):
    index = folder / f"reads.bam.{ending}"
    pysam.samtools.index(*(["-c"] if ending == "csi" else []), str(folder / "reads.bam"))
    whole = index.read_bytes()
    content = gzip.decompress(whole) if ending == "csi" else whole
    for size in range(8, len(content) - 8, 20):  # of some of them htslib crashes
        index.write_bytes(content[:size])
        with pytest.raises(InputError, match=rf"reads\.bam\.{ending}: .* is cut off; make it"):
            readable.check_reads(str(folder / "reads.bam"))


def test_an_index_that_is_older_than_its_file_is_a_warning(folder):
    os.utime(folder / "person.vcf.gz.tbi", (0, 0))
    (warning,) = readable.check_variants(str(folder / "person.vcf.gz"))
    assert "person.vcf.gz.tbi: is older than" in warning


@pytest.mark.parametrize(
    ("content", "problem"), [(None, "there is no such file"), (b"", "is empty")]
)
def test_a_file_without_content_is_named(tmp_path, content, problem):
    path = tmp_path / "a.bam"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=rf"a\.bam: {problem}"):
        readable.check_file(str(path))
    with pytest.raises(InputError, match="is a folder; name a file in it"):
        readable.check_file(str(tmp_path))


def test_a_sample_that_is_not_there_is_told_with_those_that_are(folder):
    (person,) = settings_of(folder).individuals
    other = Individual(sample="bob", reads=person.reads, variants=person.variants)
    with pytest.raises(InputError, match=r"has no sample 'bob' \(it has person\)"):
        readable.sample_of(other)
