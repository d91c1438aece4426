"""Which reference loci are looked at, whatever the reads: those of lowest rank, until enough."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evoflow.extract.example_rows import SAME_BASES, CarrierPart, ReferencePart, Taken
from evoflow.extract.found_alleles import Found
from evoflow.extract.reference_loci import ranks
from evoflow.extract.unit_reads import take_reads
from evoflow.extract.units import Unit
from evoflow.extract.vcf.normalise import Differing, Written
from evoflow.extract.vcf.plain_vcf import Source
from evoflow.settings import DataSettings, Individual

PERSON = Individual(sample="ann", reads="ann.bam", variants="ann.vcf.gz")


class EvenPool:
    """Stands in for the processes: only even positions have a read, its bases their number."""

    def __init__(self):
        self.rounds = []

    def run(self, work, tasks, **_):  # noqa: ARG002
        drawn = [part for part in tasks if isinstance(part, ReferencePart)]
        self.rounds.append([(part.unit.contig, at) for part in drawn for at in part.positions])
        return [self.take(part) for part in tasks]

    def take(self, part):
        if isinstance(part, CarrierPart):
            return Taken(len(part.alleles), part.alleles, Counter(), 0, 0)
        even = part.positions[part.positions % 2 == 0]
        kept = pd.DataFrame({"position": even, "sequence": even.astype("str")})
        return Taken(len(part.positions), kept, Counter(kept=len(kept)), 0, 0)


@pytest.fixture
def found(tmp_path):
    units = {}
    for contig, size in (("chr1", 300), ("chr2", 100)):
        source = Source("file", (contig,), contig, ((0, size),))
        unit = Unit(
            individual=PERSON,
            contig=contig,
            contig_length=size,
            reads_spelling=contig,
            reads_reference="genome.fa",
            called=source,
            called_records=size,
            sample="ann",
            clinvar=source,
            clinvar_table=Path("table.tsv"),
        )
        np.save(tmp_path / f"{contig}.npy", np.arange(1, size + 1))
        written = Written(Path("table.tsv"), 0, 0, 0, Differing(), 0)
        alleles = pd.DataFrame(columns=["position"])
        units[unit] = Found(alleles, Path(), tmp_path / f"{contig}.npy", size, Counter(), written)
    return units


def take_all(pool, found, wanted):
    data = DataSettings(
        reference="genome.fa",
        clinvar="clinvar.vcf.gz",
        individuals=(PERSON,),
        reference_loci=wanted,
    )
    return take_reads(pool, found, data, lambda _: lambda _: None)


def take(found, wanted):
    pool = EvenPool()
    reads = take_all(pool, found, wanted)
    return pool.rounds, sum(len(t.examples) for each in reads.values() for t in each.references)


def test_loci_of_lowest_rank_are_looked_at_until_enough_have_a_read(found):
    rounds, kept = take(found, 40)
    assert len(rounds[0]) == 40
    assert len(rounds) > 1
    assert kept >= 40
    looked = [each for of_round in rounds for each in of_round]
    assert len(set(looked)) == len(looked) < 120
    by_rank = sorted(
        (int(rank), unit.contig, at)
        for unit, each in found.items()
        for at, rank in enumerate(
            ranks(np.arange(1, each.num_positions + 1), 0, "ann", unit.contig), start=1
        )
    )
    assert set(looked) == {(contig, at) for _, contig, at in by_rank[: len(looked)]}


@pytest.mark.parametrize(("wanted", "kept"), [("all", 200), (1000, 200), (0, 0)])
def test_every_locus_is_looked_at_once_at_most(found, wanted, kept):
    rounds, got = take(found, wanted)
    looked = [each for of_round in rounds for each in of_round]
    assert len(set(looked)) == len(looked) == (400 if kept else 0)
    assert got == kept


def test_no_reference_read_has_the_bases_of_anybodys_carrier_read(found):
    unit, own = next(iter(found.items()))
    bob = replace(unit, individual=PERSON.model_copy(update={"sample": "bob"}))
    alleles = pd.DataFrame({"position": [7, 7], "sequence": ["8", "20"]})
    reads = take_all(EvenPool(), {unit: own, bob: replace(own, alleles=alleles)}, "all")
    for each in reads.values():
        (references,) = each.references
        assert set(range(2, 301, 2)) - set(references.examples["position"]) == {8, 20}
        assert references.counts == {"kept": 148, SAME_BASES: 2}
