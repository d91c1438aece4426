"""Remote inputs, through a server that fails, give what the same files give from the disk."""

import errno
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import boto3
import pysam
import pysam.bcftools
import pysam.samtools
import pytest
from moto.server import ThreadedMotoServer

from evoflow.errors import InputError
from evoflow.extract import mirror, preflight, sources
from evoflow.extract.examples import extract_examples
from evoflow.settings import DataSettings, Individual

from .faults import Faults, between, serving
from .worlds import random_world

BUCKET = "public"
FILES = ("genome.fa", "clinvar.vcf.gz", "person.vcf.gz", "reads.bam")


@pytest.fixture(scope="module")
def moto_port():
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


@pytest.fixture
def local(tmp_path) -> DataSettings:
    """A small world's files, and settings that name them."""
    folder = tmp_path / "local"
    folder.mkdir()
    return random_world(7).write(folder, read_length=25, reads_per_variant=3, reference_loci="all")


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def s3(local, moto_port, faults, tmp_path, monkeypatch):
    """The world in a bucket, behind a server with faults; yields the bucket's client."""
    monkeypatch.setenv("EVOFLOW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(mirror, "_FIRST_PAUSE", 0.001)
    monkeypatch.setattr(mirror, "BLOCK", 1 << 10)
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    sources._s3_clients.cache_clear()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{moto_port}",
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    client.create_bucket(Bucket=BUCKET, ACL="public-read")
    for path in Path(str(local.reference)).parent.iterdir():
        client.upload_file(str(path), BUCKET, path.name, ExtraArgs={"ACL": "public-read"})
    with between(moto_port, faults) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        yield client
    sources._s3_clients.cache_clear()
    for each in client.list_objects(Bucket=BUCKET).get("Contents", []):
        client.delete_object(Bucket=BUCKET, Key=each["Key"])
    client.delete_bucket(Bucket=BUCKET)


def at(local: DataSettings, base: str, names: Sequence[str] = FILES) -> DataSettings:
    """Name the same files below a URL."""
    reference, clinvar, variants, reads = (f"{base}/{name}" for name in names)
    (person,) = local.individuals
    moved = person.model_copy(update={"reads": reads, "variants": variants})
    files = {"reference": reference, "clinvar": clinvar, "individuals": (moved,)}
    return local.model_copy(update=files)


def assert_same(local: DataSettings, remote: DataSettings) -> None:
    assert preflight.check(remote).files["location"].str.contains("://").all()
    expected, found = (extract_examples(data, processes=1) for data in (local, remote))
    assert found.examples.equals(expected.examples)
    assert found.counts.equals(expected.counts)


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("kinds", [(), ("cut", "503", "reset")])
def test_s3_without_credentials_gives_the_local_result_despite_faults(local, faults, kinds):
    faults.kinds = kinds
    assert_same(local, at(local, f"s3://{BUCKET}"))
    assert (faults.spoilt > 5) == bool(kinds)


@pytest.mark.usefixtures("s3")
def test_web_server_gives_the_local_result_despite_faults(local, faults):
    faults.kinds = ("cut", "503", "reset")
    base = boto3.client("s3").meta.endpoint_url
    assert_same(local, at(local, f"{base}/{BUCKET}"))
    assert faults.spoilt > 5


@pytest.mark.usefixtures("s3")
def test_credentials_of_somebody_else_do_not_bar_public_files(local, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    assert_same(local, at(local, f"s3://{BUCKET}"))


class SimpleServer(SimpleHTTPRequestHandler):
    """Knows no ranges and no ETags, and takes a .gz file for a compressed plain one."""

    def end_headers(self):
        if self.path.endswith(".gz"):
            self.send_header("Content-Encoding", "gzip")
        super().end_headers()

    def log_message(self, *_):
        pass


def test_server_without_ranges_or_etags(local, tmp_path, monkeypatch):
    monkeypatch.setenv("EVOFLOW_CACHE", str(tmp_path / "cache"))
    folder = Path(str(local.reference)).parent
    with serving(partial(SimpleServer, directory=str(folder))) as url:
        assert_same(local, at(local, url))


@pytest.mark.usefixtures("s3")
def test_processes_share_what_was_fetched(local, faults):
    remote = at(local, f"s3://{BUCKET}")
    first = extract_examples(remote, processes=1)
    served = faults.served
    again = extract_examples(remote, processes=2)
    assert again.examples.equals(first.examples)
    assert faults.served == served


def test_an_interrupted_download_goes_on_where_it_stopped(s3, faults):
    content = os.urandom(200 * 1024)
    s3.put_object(Bucket=BUCKET, Key="large", Body=content, ACL="public-read")
    copy = mirror.Mirror.of(f"s3://{BUCKET}/large")
    copy.provide([(0, 90 * 1024)])
    assert copy.path.read_bytes() == content[: 90 * 1024] + bytes(110 * 1024)
    before = faults.served
    mirror.Mirror.of(f"s3://{BUCKET}/large").provide_whole()
    assert copy.path.read_bytes() == content
    assert faults.served - before == 110 * 1024


def test_many_may_fetch_one_file_at_once(s3, faults):
    faults.kinds = ("cut", "503", "reset")
    content = os.urandom(200 * 1024 + 7)
    s3.put_object(Bucket=BUCKET, Key="large", Body=content, ACL="public-read")

    def fetch(_):
        copy = mirror.Mirror.of(f"s3://{BUCKET}/large")
        copy.provide_whole()
        return copy.path.read_bytes()

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(fetch, range(8))) == {content}


def test_cram_bcf_and_bgzipped_reference(local, s3):
    folder = Path(str(local.reference)).parent
    reference, clinvar, variants, reads = (
        str(folder / name) for name in ("genome.fa.gz", "clinvar.bcf", "person.bcf", "reads.cram")
    )
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
        s3.upload_file(str(path), BUCKET, path.name, ExtraArgs={"ACL": "public-read"})
    person = local.individuals[0].model_copy(update={"reads": reads, "variants": variants})
    here = {"reference": reference, "clinvar": clinvar, "individuals": (person,)}
    packed = local.model_copy(update=here)
    base = f"s3://{BUCKET}"
    there = at(packed, base, [Path(each).name for each in (reference, clinvar, variants, reads)])
    assert_same(packed, there)


def test_a_file_that_changes_is_fetched_anew_and_never_mixed(s3):
    put = partial(s3.put_object, Bucket=BUCKET, Key="large", ACL="public-read")
    put(Body=b"a" * 5000)
    old = mirror.Mirror.of(f"s3://{BUCKET}/large")
    old.provide([(0, 1024)])
    put(Body=b"b" * 5000)
    with pytest.raises(InputError, match=r"large: has changed while it was read"):
        old.provide_whole()
    new = mirror.Mirror.of(f"s3://{BUCKET}/large")
    new.provide_whole()
    assert new.path.read_bytes() == b"b" * 5000


def test_content_unlike_its_checksum_is_refused_and_fetched_again(s3):
    s3.put_object(Bucket=BUCKET, Key="large", ACL="public-read", Body=b"a" * 5000)
    copy = mirror.Mirror.of(f"s3://{BUCKET}/large")
    copy.provide([(0, 1024)])
    with copy.path.open("r+b") as file:
        file.write(b"spoilt")
    with pytest.raises(InputError, match=r"large: its content does not have the checksum"):
        copy.provide_whole()
    copy.provide_whole()
    assert copy.path.read_bytes() == b"a" * 5000


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
    assert "s3://public/clinvar.vcf.gz: may not be read, or is not there (status 403)" in found
    assert "s3://public/reads.bam: has no index (.bai or .csi or .crai) beside it" in found
    assert "s3://public/person.vcf.gz: has no sample 'nobody' (it has person)" in found
    assert len(caught.value.problems) == 4


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://host/genome.fa", "cannot be read; give a path, s3://"),
        ("s3://bucket", "cannot be read; give a path, s3://"),
        ("s3://Not_A_Bucket!/key", "is no S3 address"),
        ("http://127.0.0.1:9/genome.fa", "the connection failed.*6 times in a row"),
    ],
)
def test_addresses_that_lead_nowhere(url, message, monkeypatch):
    monkeypatch.setattr(mirror, "_FIRST_PAUSE", 0.001)
    with pytest.raises(InputError, match=message):
        mirror.Mirror.of(url)


def test_empty_remote_file(s3, faults):
    s3.put_object(Bucket=BUCKET, Key="empty", ACL="public-read", Body=b"")
    with pytest.raises(InputError, match=r"s3://public/empty: is empty"):
        mirror.Mirror.of(f"s3://{BUCKET}/empty")
    faults.refused = {"/empty": 416}
    with pytest.raises(InputError, match=r"/empty: is empty"):
        mirror.Mirror.of(f"{boto3.client('s3').meta.endpoint_url}/empty")


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
    s3.upload_file(str(empty), BUCKET, "reads.bam", ExtraArgs={"ACL": "public-read"})
    with pytest.raises(InputError, match=r"s3://public/reads.bam: .*index"):
        extract_examples(at(local, f"s3://{BUCKET}"))


def test_only_the_needed_part_of_real_reads_is_fetched(real, s3, tmp_path, monkeypatch):
    monkeypatch.setattr(mirror, "BLOCK", 1 << 15)
    names = ["NA12878.brca1.bam", "NA12878.brca1.vcf.gz", "clinvar.brca1.vcf.gz"]
    names = [each.name for name in names for each in real.glob(f"{name}*")]
    for name in names:
        s3.upload_file(str(real / name), BUCKET, name, ExtraArgs={"ACL": "public-read"})
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
