"""Remote inputs, through a server that fails, give what the same files give from the disk."""

import errno
import os
from collections.abc import Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import boto3
import pysam
import pysam.bcftools
import pysam.samtools
import pytest

from evoflow.errors import InputError
from evoflow.extract.examples import Extraction, extract_examples
from evoflow.inputs import preflight
from evoflow.remote import local_files, mirror
from evoflow.settings import DataSettings, Individual
from tests.extract.worlds import random_world
from tests.remote.faults import BUCKET, serving

FILES = ("genome.fa", "clinvar.vcf.gz", "person.vcf.gz", "reads.bam")


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> DataSettings:
    """A small world's files, and settings that name them."""
    folder = tmp_path_factory.mktemp("local")
    return random_world(7).write(folder, read_length=25, reads_per_variant=3, reference_loci="all")


@pytest.fixture(scope="module")
def expected(local) -> Extraction:
    return extract_examples(local, processes=1)


@pytest.fixture
def s3(local, bucket):
    """The world in a bucket; yields the bucket's client."""
    for path in Path(str(local.reference)).parent.iterdir():
        upload(bucket, path)
    return bucket


def upload(client, path: Path, name: str = "") -> None:
    client.upload_file(str(path), BUCKET, name or path.name, ExtraArgs={"ACL": "public-read"})


def at(local: DataSettings, base: str, names: Sequence[str] = FILES) -> DataSettings:
    """Name the same files below a URL."""
    reference, clinvar, variants, reads = (f"{base}/{name}" for name in names)
    (person,) = local.individuals
    moved = person.model_copy(update={"reads": reads, "variants": variants})
    files = {"reference": reference, "clinvar": clinvar, "individuals": (moved,)}
    return local.model_copy(update=files)


def assert_same(remote: DataSettings, expected: Extraction) -> None:
    assert preflight.check(remote).files["location"].str.contains("://").all()
    found = extract_examples(remote, processes=1)
    assert found.examples.equals(expected.examples)
    assert found.counts.equals(expected.counts)


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("kinds", [(), ("cut", "503", "reset")])
def test_s3_without_credentials_gives_the_local_result_despite_faults(
    local, expected, faults, kinds
):
    faults.kinds = kinds
    assert_same(at(local, f"s3://{BUCKET}"), expected)
    assert (faults.spoilt > 5) == bool(kinds)


@pytest.mark.usefixtures("s3")
def test_web_server_gives_the_local_result_despite_faults(local, expected, faults):
    faults.kinds = ("cut", "503", "reset")
    base = boto3.client("s3").meta.endpoint_url
    assert_same(at(local, f"{base}/{BUCKET}"), expected)
    assert faults.spoilt > 5


@pytest.mark.usefixtures("s3")
def test_credentials_of_somebody_else_do_not_bar_public_files(local, expected, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    assert_same(at(local, f"s3://{BUCKET}"), expected)


class SimpleServer(SimpleHTTPRequestHandler):
    """Knows no ranges and no ETags, and takes a .gz file for a compressed plain one."""

    def end_headers(self):
        if self.path.endswith(".gz"):
            self.send_header("Content-Encoding", "gzip")
        super().end_headers()

    def log_message(self, *_):
        pass


def test_server_without_ranges_or_etags(local, expected, tmp_path, monkeypatch):
    monkeypatch.setenv("EVOFLOW_CACHE", str(tmp_path / "cache"))
    folder = Path(str(local.reference)).parent
    with serving(partial(SimpleServer, directory=str(folder))) as url:
        assert_same(at(local, url), expected)


@pytest.mark.usefixtures("s3")
def test_processes_share_what_was_fetched(local, expected, faults):
    remote = at(local, f"s3://{BUCKET}")
    extract_examples(remote, processes=1)
    served = faults.served
    again = extract_examples(remote, processes=2)
    assert again.examples.equals(expected.examples)
    assert faults.served == served


def test_cram_bcf_and_bgzipped_reference(local, expected, s3, tmp_path):
    folder = tmp_path / "packed"
    folder.mkdir()
    names = ("genome.fa.gz", "clinvar.bcf", "person.bcf", "reads.cram")
    reference, clinvar, variants, reads = (str(folder / name) for name in names)
    pysam.tabix_compress(str(local.reference), reference)
    pysam.faidx(reference)
    for made, plain in ((clinvar, local.clinvar), (variants, local.individuals[0].variants)):
        pysam.bcftools.view("-Ob", "-o", made, plain, catch_stdout=False)
        pysam.bcftools.index(made)
    pysam.samtools.view(
        *("-C", "-T", reference, "-o", reads, local.individuals[0].reads), catch_stdout=False
    )
    pysam.samtools.index(reads)
    for path in folder.iterdir():
        upload(s3, path)
    assert_same(at(local, f"s3://{BUCKET}", names), expected)


def test_a_variable_in_a_path_is_replaced(local, monkeypatch):
    monkeypatch.setenv("WORLD", str(Path(str(local.reference)).parent))
    assert local_files.local_reference("${WORLD}/genome.fa") == local.reference
    assert local_files.local_whole("${WORLD}/clinvar.vcf.gz") == local.clinvar


@pytest.mark.parametrize("name", ["run#1/genome.fa", "run/a?b=c&d.fa", "/run//genome.fa"])
def test_an_index_is_found_beside_a_key_with_any_letters(local, bucket, name):
    for ending in ("", ".fai"):
        upload(bucket, Path(f"{local.reference}{ending}"), name + ending)
    there = local_files.local_reference(f"s3://{BUCKET}/{name}")
    with pysam.FastaFile(there) as found, pysam.FastaFile(str(local.reference)) as expected:
        assert found.references == expected.references


@pytest.mark.usefixtures("s3")
def test_a_signature_that_does_not_open_the_index_is_told_of(faults):
    base = f"{boto3.client('s3').meta.endpoint_url}/{BUCKET}"
    faults.refused = {f"/{BUCKET}/genome.fa.fai": 403}
    for query, told in (("?signature=1", True), ("", False)):
        with pytest.raises(InputError, match=r"has no index \(\.fai\) beside it") as caught:
            local_files.local_reference(f"{base}/genome.fa{query}")
        assert ("download both files" in str(caught.value)) is told


@pytest.mark.usefixtures("s3")
def test_all_problems_are_told_together_and_name_the_urls(local, faults):
    remote = at(local, f"s3://{BUCKET}")
    faults.refused = {
        f"/{BUCKET}/genome.fa": 404,
        f"/{BUCKET}/clinvar.vcf.gz": 403,
        f"/{BUCKET}/reads.bam.bai": 404,
    }
    person = remote.individuals[0].model_copy(update={"sample": "nobody"})
    with pytest.raises(InputError) as caught:
        preflight.check(remote.model_copy(update={"individuals": (person,)}))
    found = "\n".join(sorted(caught.value.problems))
    assert "s3://public/genome.fa: there is no such file (status 404)" in found
    assert "s3://public/clinvar.vcf.gz: no permission, or no such file (status 403 without" in found
    assert "s3://public/reads.bam: has no index (.bai or .csi or .crai) beside it" in found
    assert "s3://public/person.vcf.gz: has no sample 'nobody' (it has person)" in found
    assert len(caught.value.problems) == 4


@pytest.mark.usefixtures("s3")
def test_full_disk_and_a_cache_that_may_not_be_written(local, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(InputError, match=r"No space left.*free some space or set EVOFLOW"):
            extract_examples(at(local, f"s3://{BUCKET}"))
    (tmp_path / "file").touch()
    monkeypatch.setenv("EVOFLOW_CACHE", str(tmp_path / "file"))
    with pytest.raises(InputError, match=r"Not a directory.*set EVOFLOW_CACHE"):
        extract_examples(at(local, f"s3://{BUCKET}"))


def test_a_contig_that_gives_no_read_though_its_index_lists_some(local, s3, tmp_path):
    person = local.individuals[0]
    with pysam.AlignmentFile(person.reads) as reads:
        header = reads.header
    empty = tmp_path / "empty.bam"
    pysam.AlignmentFile(str(empty), "wb", header=header).close()
    upload(s3, empty, "reads.bam")
    with pytest.raises(InputError, match=r"s3://public/reads.bam: .*index"):
        extract_examples(at(local, f"s3://{BUCKET}"))


def test_an_index_of_an_earlier_file_is_refused_at_once(local, s3, tmp_path):
    person = local.individuals[0]
    empty = tmp_path / "reads.bam"
    with pysam.AlignmentFile(person.reads) as reads:
        pysam.AlignmentFile(str(empty), "wb", header=reads.header).close()
    pysam.index(str(empty))
    upload(s3, tmp_path / "reads.bam.bai")
    with pytest.raises(InputError, match=r"public/reads\.bam: goes on behind .*samtools index"):
        local_files.localise(at(local, f"s3://{BUCKET}"))


def test_only_the_needed_part_of_real_reads_is_fetched(real, s3, tmp_path, monkeypatch):
    monkeypatch.setattr(mirror, "BLOCK", 1 << 15)
    names = ["NA12878.brca1.bam", "NA12878.brca1.vcf.gz", "clinvar.brca1.vcf.gz"]
    names = [each.name for name in names for each in real.glob(f"{name}*")]
    for name in names:
        upload(s3, real / name)
    person = Individual(
        sample="NA12878",
        reads=f"s3://{BUCKET}/NA12878.brca1.bam",
        variants=f"s3://{BUCKET}/NA12878.brca1.vcf.gz",
    )
    data = DataSettings(
        reference=str(real / "GRCh38.17.fa.gz"),
        clinvar=f"s3://{BUCKET}/clinvar.brca1.vcf.gz",
        individuals=(person,),
        read_length=100,
        regions=("17:43,090,000-43,095,000",),
    )
    assert len(extract_examples(data, processes=1).examples)
    (marks,) = (tmp_path / "cache" / "remote").glob("NA12878.brca1.bam-*/.blocks")
    fetched = marks.read_bytes()
    assert 0 < sum(fetched) < len(fetched) * 0.6
