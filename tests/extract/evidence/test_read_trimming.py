"""What is kept of a read: bases that show the allele clearly, and those around it."""

import pandas as pd

from evoflow.extract.evidence import read_trimming
from evoflow.extract.evidence.alignment import Evidence, layout
from evoflow.extract.evidence.called_alleles import CalledAlleles
from evoflow.extract.evidence.read_choice import ReadChooser
from evoflow.extract.evidence.read_trimming import ReadRules
from evoflow.extract.vcf.normalise import KEY
from tests.extract.evidence.choosing import BESIDE, GENOME, SNV, changed, read
from tests.extract.worlds import make_read


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


def test_a_further_insertion_counts_where_all_of_it_is_kept(choose):
    def others(position):
        insertion = (position, GENOME[position - 1], GENOME[position - 1] + "ACGTA")
        before, behind = list(GENOME[100:position]), GENOME[position:195]
        before[50] = SNV[2]
        made = make_read(
            len(GENOME), "r", 100, f"{''.join(before)}ACGTA{behind}",
            f"{position - 100}M5I{195 - position}M",
        )  # fmt: skip
        (kept,) = choose([made], called=(SNV, insertion))[0]
        return kept.other_alleles

    # Of the read's bases 20 to 79 are kept.
    assert [others(position) for position in (174, 175, 176, 179)] == [1, 1, 0, 0]


def test_too_few_bases_beside_a_clip_are_dropped(choose):
    bases = GENOME[100:150] + SNV[2] + GENOME[151:200]
    made = [make_read(len(GENOME), "r", start, bases, f"{start - 100}S{200 - start}M")
            for start in (140, 141)]  # fmt: skip
    kept, counts = choose([made[0]])[0], choose([made[1]])[1]
    assert [each.sequence for each in kept] == [bases[40:]]
    assert counts == {"too few unclipped bases around the allele": 1}


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


def test_a_read_over_many_loci_is_laid_out_once(genome, monkeypatch):
    laid_out = []
    monkeypatch.setattr(
        read_trimming, "layout", lambda read: laid_out.append(read.query_name) or layout(read)
    )
    keys = [(at, GENOME[at - 1], changed(GENOME[at - 1])) for at in range(140, 160, 2)]
    called = CalledAlleles(genome, "1", pd.DataFrame(keys, columns=KEY), 60)
    rules = ReadRules(60, 20, 10, 8, Evidence.ALTERNATE, 0)
    chooser = ReadChooser(rules, genome, "1", called, "ann")
    reads = [read(*keys, name="one"), read(*keys[:5], name="two"), read(name="none")]
    kept = chooser.choose(reads, [called.footprint(*key) for key in keys])
    names = [{each.name for each in of_locus} for of_locus in kept]
    assert names == [{"one", "two"}] * 5 + [{"one"}] * 5
    assert sorted(laid_out) == ["none", "one", "two"]


def test_reads_are_told_apart_when_more_are_held_than_there_is_room_for(choose):
    reads = [read(SNV, name=f"r{at}") for at in range(150)]
    kept, counts = choose([*reads, *(read(name=f"o{at}") for at in range(150))], wanted=150)
    assert sorted(each.name for each in kept) == sorted(each.query_name for each in reads)
    assert counts["kept"] == 150
