"""Parts put together: every allele, locus and read is counted once."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from evoflow.errors import InputError
from evoflow.extract.counts import draw_references, put_together, refuse_nothing
from evoflow.extract.example_rows import SAME_BASES, Taken
from evoflow.extract.found_alleles import LOCUS, VARIANT, Found
from evoflow.extract.unit_reads import UnitReads
from evoflow.extract.vcf.normalise import KEY
from evoflow.settings import DataSettings, Individual

PERSON = Individual(sample="ann", reads="/ann.bam", variants="/ann.vcf.gz")


def rows(*positions, **more):
    return pd.DataFrame({"position": positions, "ref": "A", "alt": "C"}).assign(**more)


@pytest.fixture
def result():
    """Two of three alleles have reads; of seven loci five were looked at."""
    found = Found(rows(1, 2, 3)[KEY], Path(), Path(), 7, Counter({(VARIANT, "x"): 4}), None)
    carriers = Taken(3, rows(1, 1, 2, other_alleles=[0, 2, 0]), Counter(kept=3, other=5), 0, 90)
    loci = Taken(5, rows(11, 12, rank=1), Counter({"kept": 2, SAME_BASES: 1}), 1, 0, ambiguous=1)
    return put_together(found, UnitReads([carriers], [loci]))


def test_alleles_add_up(result):
    variants = {reason: n for (subject, reason), n in result.counts.items() if subject == VARIANT}
    assert variants == {"x": 4, "kept": 2, "no read carries it": 1}


def test_loci_add_up(result):
    # Of seven, two have a read, which `count` adds once they are drawn.
    loci = {reason: n for (subject, reason), n in result.counts.items() if subject == LOCUS}
    assert loci == {
        "every read that shows the reference may carry another allele": 1,
        "a read that carries an allele has the same bases": 1,
        "no read shows the reference": 1,
        "not drawn": 2,
    }


def test_carrier_reads_are_counted_by_what_else_they_carry(result):
    assert result.counts["carrier read", "carries no other allele"] == 2
    assert result.counts["carrier read", "carries other alleles of the individual too"] == 1
    assert result.longest_read == 90


def test_loci_of_lowest_rank_are_drawn_over_all_contigs_of_an_individual():
    units = [SimpleNamespace(individual=PERSON)] * 2
    tables = [
        rows(1, 2, 3, rank=[5, 1, 9], contig="1"),
        rows(4, 5, rank=[2, 7], contig="2"),
    ]
    results = [SimpleNamespace(references=table) for table in tables]
    drawn = draw_references(units, results, 3)
    assert [table["position"].tolist() for table in drawn] == [[2, 1], [4]]
    every = draw_references(units, results, "all")
    assert [len(table) for table in every] == [3, 2]
    assert draw_references([], [], 3) == []


def test_where_no_read_carries_an_allele_the_reasons_are_told():
    data = DataSettings(reference="/g.fa", clinvar="/c.vcf.gz", individuals=(PERSON,))
    counts = Counter(
        {(VARIANT, "no read carries it"): 2, ("read over a variant", "low base quality"): 6}
    )
    empty = SimpleNamespace(examples=rows(), counts=counts, longest_read=0)
    units = [SimpleNamespace(individual=PERSON)]
    with pytest.raises(InputError, match=r"of the 2 alleles of 'ann' .*\(6 low base quality\)"):
        refuse_nothing(data, units, [empty])
    refuse_nothing(data, units, [SimpleNamespace(examples=rows(1))])
