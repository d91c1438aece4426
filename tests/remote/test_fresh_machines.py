"""Each step on a machine of its own: what one fetched, the next does not have."""

from pathlib import Path
from types import SimpleNamespace

import pysam
import pytest

from evoflow.extract.examples import extract_examples
from evoflow.inputs import preflight
from evoflow.labels.target import IMPACT
from evoflow.predict import commands
from evoflow.predict.carried_alleles import extract_carried
from evoflow.predict.files import write_predictions
from evoflow.remote import mirror
from evoflow.settings import EmbeddingSettings
from tests.inputs.odd_files import GENOME, OddWorld, as_cram, calls
from tests.remote.faults import BUCKET

NAMES = {name: name.removeprefix("chr") for name in GENOME}
"""What the reads call the contigs of the reference."""


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """Take the next machine: one with an empty cache."""
    machines = iter(range(100))
    monkeypatch.setenv("REF_PATH", "/nonexistent/%s")

    def begin():
        monkeypatch.setenv("EVOFLOW_CACHE", str(tmp_path / f"machine-{next(machines)}"))

    return begin


@pytest.fixture(params=["BAM", "CRAM and a bgzipped reference"])
def data(request, tmp_path):
    """A world whose genome is several blocks large, read by its files."""
    (tmp_path / "local").mkdir()
    data = OddWorld(reads_names=NAMES, reference_loci=2).write(tmp_path / "local")
    if request.param == "BAM":
        return data
    packed = str(tmp_path / "local" / "packed.fa.gz")
    pysam.tabix_compress(str(data.reference), packed)
    pysam.faidx(packed)
    data = as_cram(data, {NAMES[name]: bases for name, bases in GENOME.items()})
    return data.model_copy(update={"reference": packed})


@pytest.fixture
def remote(data, bucket, moto_port, monkeypatch):
    """The same files by URLs of a server that knows ranges."""
    monkeypatch.setattr(mirror, "BLOCK", 256)
    folder = Path(str(data.reference)).parent
    for path in folder.iterdir():
        bucket.upload_file(str(path), BUCKET, path.name, ExtraArgs={"ACL": "public-read"})
    base = f"http://127.0.0.1:{moto_port}/{BUCKET}"
    (person,) = data.individuals
    moved = {name: f"{base}/{Path(getattr(person, name)).name}" for name in ("reads", "variants")}
    return data.model_copy(
        update={
            "reference": f"{base}/{Path(str(data.reference)).name}",
            "clinvar": f"{base}/clinvar.vcf.gz",
            "individuals": (person.model_copy(update=moved),),
        }
    )


@pytest.mark.parametrize("wishes", [{}, {"haplotypes": 2, "regions": ("chr1:350-450", "MT")}])
def test_every_step_fetches_what_it_needs(data, remote, fresh, wishes):
    data, remote = data.model_copy(update=wishes), remote.model_copy(update=wishes)
    expected = extract_examples(data, processes=1)
    fresh()
    assert preflight.check(remote).contigs.equals(preflight.check(data).contigs)
    for _ in range(2):  # the second as a run that is resumed elsewhere
        fresh()
        found = extract_examples(remote, processes=1)
        assert found.examples.equals(expected.examples)
        assert found.counts.equals(expected.counts)
    fresh()
    assert extract_carried(remote, processes=1).reads.equals(
        extract_carried(data, processes=1).reads
    )


def test_variants_are_scored_by_urls(data, remote, fresh, tmp_path, monkeypatch):
    def scored(_, reads, __, *, phases, **_contexts):
        with phases("scoring", "sequences") as advance:
            advance(len(reads), len(reads))
        return reads.assign(score=1.0, log_likelihood_ratio=0.0)

    monkeypatch.setattr(commands, "score_reads", scored)
    head = SimpleNamespace(
        read_length=50,
        target=IMPACT,
        embedding=EmbeddingSettings(),
        model_settings=lambda _: None,
        contexts=lambda *_: None,
    )
    made = []
    for settings in (data, remote):
        fresh()
        variants, reference = settings.individuals[0].variants, str(settings.reference)
        found = commands.predict_variants(head, variants, reference)
        assert len(found.alleles) == len(calls())
        output = tmp_path / f"{len(made)}.vcf"
        write_predictions(found, output, {"head": "head"})
        made.append(output.read_bytes())
    assert made[0] == made[1]
    assert b"##contig=<ID=chr1,length=1200>" in made[0]
