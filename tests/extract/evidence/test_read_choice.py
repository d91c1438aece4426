"""Which reads over a locus are kept."""

from random import Random

import pandas as pd
import pysam
import pytest

from evoflow.extract.evidence.alignment import Evidence
from evoflow.extract.evidence.called_alleles import CalledAlleles
from evoflow.extract.evidence.read_choice import ReadChooser
from evoflow.extract.evidence.read_trimming import CARRIES_ANOTHER, MAY_CARRY_ANOTHER, ReadRules
from evoflow.extract.vcf.normalise import KEY
from tests.extract.worlds import make_read

GENOME = "".join(Random(13).choices("ACGT", k=300))


def changed(base):
    return "ACGT"[("ACGT".index(base) + 1) % 4]


SNV = (151, GENOME[150], changed(GENOME[150]))
BESIDE = (161, GENOME[160], changed(GENOME[160]))


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    path = tmp_path_factory.mktemp("genome") / "genome.fa"
    path.write_text(f">1\n{GENOME[:40]}R{GENOME[41:]}\n")
    pysam.faidx(str(path))
    with pysam.FastaFile(str(path)) as opened:
        yield opened


@pytest.fixture
def choose(genome):
    """Choose among reads that start at 100 and have 100 bases, unless told."""

    def choose(reads, *, shows=Evidence.ALTERNATE, called=(SNV, BESIDE), key=SNV, **rules):
        values = {"length": 60, "min_mapping_quality": 20, "min_base_quality": 10, "wanted": 8}
        alleles = CalledAlleles(genome, "1", pd.DataFrame(called, columns=KEY), 60)
        chooser = ReadChooser(
            ReadRules(**(values | rules), evidence=shows, seed=0), genome, "1", alleles, "ann"
        )
        kept = chooser.choose(reads, [alleles.footprint(*key)])[0]
        return kept, +chooser.counts

    return choose


def read(*alleles, name="r", start=100, flag=0, bases=None, low=(), group=None):
    letters = list(bases or GENOME[start : start + 100])
    for position, _, alt in alleles:
        letters[position - 1 - start] = alt
    made = make_read(len(GENOME), name, start, "".join(letters), "100M", flag=flag)
    made.query_qualities = [9 if start + at in low else 10 for at in range(100)]
    if group:
        made.set_tag("RG", group)
    return made


def test_a_base_of_low_quality_does_not_show_the_allele(choose):
    kept, counts = choose([read(SNV, low=[149, 151]), read(SNV, low=[150], name="low")])
    assert [each.name for each in kept] == ["r"]
    assert counts == {"kept": 1, "low base quality": 1}
    assert len(choose([read(SNV, low=[150])], min_base_quality=9)[0]) == 1


def test_of_a_deletion_the_bases_on_both_sides_count(choose):
    key = (151, GENOME[150:153], GENOME[150])
    assert GENOME[151] != GENOME[153]  # it cannot be shifted
    deleted = GENOME[100:151] + GENOME[153:202]

    def one(low):
        made = make_read(len(GENOME), "r", 100, deleted, "51M2D49M")
        made.query_qualities = [9 if at in low else 30 for at in range(100)]
        return len(choose([made], called=[key], key=key)[0])

    assert one([]) == one([49, 52]) == 1
    assert one([50]) == one([51]) == 0


def test_further_alleles_are_counted_only_within_the_kept_bases(choose):
    kept, _ = choose([read(SNV, BESIDE), read(SNV, name="alone")])
    assert {each.name: each.other_alleles for each in kept} == {"r": 1, "alone": 0}
    far = (199, GENOME[198], changed(GENOME[198]))
    kept, _ = choose([read(SNV, far)], called=(SNV, far))
    assert kept[0].other_alleles == 0


def test_a_reference_read_carries_no_called_allele(choose):
    reads = [
        read(BESIDE, name="carries"),
        read(name="low", low=[160]),
        read(name="other", bases=GENOME[100:160] + changed(BESIDE[2]) + GENOME[161:200]),
        read(name="clean"),
    ]
    kept, counts = choose(reads, shows=Evidence.REFERENCE, called=[BESIDE])
    assert [each.name for each in kept] == ["clean"]
    assert counts == {CARRIES_ANOTHER: 1, MAY_CARRY_ANOTHER: 2, "kept": 1}
    kept, _ = choose(reads, shows=Evidence.REFERENCE, called=[(250, GENOME[249], "ACGT")])
    assert len(kept) == 4


def test_mates_are_told_by_their_flags(choose):
    single = [read(SNV, start=99), read(SNV)]
    assert len(choose(single)[0]) == 2
    mates = [read(SNV, flag=0x41, start=99), read(SNV, flag=0x81)]
    kept, counts = choose(mates)
    assert len(kept) == 1
    assert counts["its mate is kept"] == 1
    # The same end twice: other templates, as names of merged lanes may be the same.
    same = [read(SNV, flag=0x41, start=99), read(SNV, flag=0x41)]
    assert len(choose(same)[0]) == 2
    groups = [read(SNV, flag=0x41, start=99, group="a"), read(SNV, flag=0x81, group="b")]
    assert len(choose(groups)[0]) == 2


def test_reads_of_other_groups_do_not_count(choose):
    reads = [read(SNV, name=name, group=name) for name in "ab"] + [read(SNV, name="none")]
    kept, counts = choose(reads, read_groups=frozenset("a"))
    assert [each.name for each in kept] == ["a"]
    assert counts["of another sample, or of no read group"] == 2


def test_letters_that_are_no_bases_are_dropped(choose):
    bases = GENOME[100:140] + "R" + GENOME[141:200]
    far = "R" + GENOME[101:200]  # outside of the kept bases
    kept, counts = choose([read(SNV, bases=bases, name="R"), read(SNV, bases=far)])
    assert [each.name for each in kept] == ["r"]
    assert counts["beside a letter that is not a base"] == 1


def test_a_reference_window_with_a_letter_that_is_no_base_is_dropped(choose):
    key = (51, GENOME[50], changed(GENOME[50]))
    bases = list(GENOME[0:100])
    bases[50] = key[2]
    made = make_read(len(GENOME), "r", 0, "".join(bases), "100M")
    assert choose([made], called=[key], key=key)[1] == {"beside a letter that is not a base": 1}


def test_equal_signs_are_the_reference(choose):
    kept, _ = choose([read(SNV, bases="=" * 100)])
    begin = 150 - kept[0].offset
    assert kept[0].reference == GENOME[begin : begin + 60]
    assert kept[0].sequence == GENOME[begin:150] + SNV[2] + GENOME[151 : begin + 60]
