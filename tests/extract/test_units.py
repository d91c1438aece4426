"""A plan without the contigs on which an individual's REF is not the reference's."""

from pathlib import Path

import pytest

from evoflow.errors import InputError
from evoflow.extract.units import OTHER_BASES, LeftOut, Plan, Unit
from evoflow.extract.vcf.normalise import Differing, Written
from evoflow.extract.vcf.plain_vcf import Source
from evoflow.inputs import agreement
from evoflow.settings import DataSettings, Individual


@pytest.fixture
def plan():
    def unit(sample, contig):
        person = Individual(sample=sample, reads=f"/{sample}.bam", variants=f"/{sample}.vcf.gz")
        source = Source(person.variants, (contig,), contig, ((0, 9),))
        return Unit(person, contig, 9, contig, "/g.fa", source, 4, sample, source, Path("t.tsv"))

    units = tuple(unit(sample, contig) for sample in ("ann", "bob") for contig in ("1", "2"))
    return Plan(units, (LeftOut("ann", "3", "no read is on it", 1),))


def agreeing(plan, monkeypatch, differing):
    """Plan anew; `differing` gives the contigs of a file, or raises."""
    asked = []

    def contigs(reference, path, written):
        asked.append((reference, path, list(written)))
        return differing(path)

    monkeypatch.setattr(agreement, "contigs_of_other_bases", contigs)
    people = tuple(dict.fromkeys(unit.individual for unit in plan.units))
    data = DataSettings(reference="/g.fa", clinvar="/c.vcf.gz", individuals=people)
    written = [Written(Path("t.tsv"), 0, 0, 0, Differing(), 0) for _ in plan.units]
    return plan.agreeing(data, written), asked


def test_a_contig_is_left_out_for_the_one_individual_whose_file_differs(plan, monkeypatch):
    found, asked = agreeing(plan, monkeypatch, lambda path: ["2"] if "bob" in path else [])
    assert [(each.individual.sample, each.contig) for each in found.units] == [
        ("ann", "1"),
        ("ann", "2"),
        ("bob", "1"),
    ]
    assert found.left_out == (*plan.left_out, LeftOut("bob", "2", OTHER_BASES, 4))
    assert asked[0] == ("/g.fa", "/ann.vcf.gz", ["1", "2"])


def test_files_of_another_build_are_all_named(plan, monkeypatch):
    def refuse(path):
        raise InputError(f"{path}: REF differs")

    with pytest.raises(InputError) as caught:
        agreeing(plan, monkeypatch, refuse)
    assert caught.value.problems == ["/ann.vcf.gz: REF differs", "/bob.vcf.gz: REF differs"]
