"""Which reads over a locus are kept."""

from evoflow.extract.evidence.alignment import Evidence
from evoflow.extract.evidence.read_trimming import CARRIES_ANOTHER, MAY_CARRY_ANOTHER
from tests.extract.evidence.choosing import BESIDE, GENOME, SNV, changed, read
from tests.extract.worlds import make_read


def test_only_reads_that_show_the_allele_are_taken(choose):
    other = next(base for base in "ACGT" if base not in SNV[1:])
    reads = [
        read(SNV, name="carries"), read(name="reference"), read((151, "", other), name="other"),
        read(SNV, name="secondary", flag=0x100), read(SNV, name="duplicate", flag=0x400),
    ]  # fmt: skip
    kept, counts = choose(reads, length=100)
    assert [each.name for each in kept] == ["carries"]
    assert counts == {
        "kept": 1, "shows the reference": 1, "shows other bases": 1, "secondary alignment": 1,
        "duplicate": 1,
    }  # fmt: skip
    assert choose([read(SNV)], length=101)[1] == {"shorter than read_length": 1}
    assert choose([read(SNV, name=name) for name in "abc"], wanted=1)[1] == {
        "kept": 1, "enough others": 2,
    }  # fmt: skip


def test_a_reference_read_carries_no_called_allele(choose):
    reads = [
        read(BESIDE, name="carries"),
        read(name="low", low=[160]),
        read(name="other", bases=GENOME[100:160] + changed(BESIDE[2]) + GENOME[161:200]),
        read(name="clean"),
    ]
    absent = (171, GENOME[170], changed(GENOME[170]))
    kept, counts = choose(reads, shows=Evidence.REFERENCE, called=[BESIDE, absent])
    assert [each.name for each in kept] == ["clean"]
    assert counts == {CARRIES_ANOTHER: 1, MAY_CARRY_ANOTHER: 2, "kept": 1}
    kept, _ = choose(reads, shows=Evidence.REFERENCE, called=[(250, GENOME[249], "ACGT")])
    assert len(kept) == 4


def test_a_reference_read_ends_with_no_part_of_an_allele(choose):
    # Aligners put the gap of a deletion-insertion before REF: the last base that is kept is of it.
    base = GENOME[179]
    key = (180, base, changed(base) * 4)
    bases = GENOME[100:179] + key[2] + GENOME[180:197]
    made = make_read(len(GENOME), "r", 100, bases, "79M3I18M")
    kept, counts = choose([made], shows=Evidence.REFERENCE, called=[key])
    assert not kept
    assert counts == {CARRIES_ANOTHER: 1}


def test_mates_are_told_by_their_flags(choose):
    single = [read(SNV, start=99), read(SNV)]
    assert len(choose(single)[0]) == 2
    mates = [read(SNV, flag=0x41), read(SNV, flag=0x91)]
    for both in (mates, mates[::-1]):
        kept, counts = choose(both)
        assert [each.strand for each in kept] == ["+"]  # the first of the pair
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
