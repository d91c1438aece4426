"""What a run's record takes from its artifacts, and the caveats of stand-ins."""

from dataclasses import fields
from types import SimpleNamespace

import pytest

from evoflow.report.record import RunRecord, caveats
from evoflow.settings import load_settings


def test_a_record_takes_each_artifact_by_its_name_and_adds_the_software(run):
    artifacts = SimpleNamespace(**vars(run) | {"name": "of the flow", "sequences": "not shown"})
    record = RunRecord.of(artifacts, name="EvoFlow/7")
    assert record.name == "EvoFlow/7"
    for each in fields(RunRecord):
        if each.name not in {"name", "provenance"}:
            assert getattr(record, each.name) is getattr(run, each.name), each.name
    assert record.provenance["device"] == "cpu"
    assert {"python", "numpy"} <= set(record.provenance["software"])


@pytest.mark.parametrize(
    ("demo", "checkpoint", "said"),
    [
        (True, "evo-demo", ["simulated demo"]),
        (True, "evo-tiny", ["simulated demo", "random weights"]),
        (False, "evo-demo", ["simulated genomes alone"]),
        (False, "evo-1-8k-base", []),
    ],
)
def test_what_stands_in_for_the_real_thing_is_said(demo, checkpoint, said):
    person = {"sample": "a", "reads": "a.bam", "variants": "a.vcf.gz"}
    own = {"reference": "g.fa", "clinvar": "c.vcf.gz", "individuals": [person]}
    settings = load_settings({"demo": {}} if demo else own, {"checkpoint": checkpoint}, {})
    found = caveats(settings)
    assert len(found) == len(said)
    assert all(words in sentence for words, sentence in zip(said, found, strict=True))
