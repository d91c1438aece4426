"""Files that can be read, with an index that is theirs."""

import gzip
import os

import pysam
import pysam.samtools
import pytest

from evoflow.errors import InputError
from evoflow.inputs import readable
from evoflow.remote.byte_ranges import read_index
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
        read_index.cache_clear()
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
