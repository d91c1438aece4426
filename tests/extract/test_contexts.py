import pandas as pd
import pysam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoflow.errors import InputError
from evoflow.extract.contexts import Contexts
from evoflow.extract.examples import extract_examples
from evoflow.extract.written_alleles import placed, write_allele
from evoflow.settings import DataSettings, load
from tests.extract.test_examples import brca1

#         0         1         2         3
#         0123456789012345678901234567890123456789
GENOME = "ACGTTGCAACCATGGTACGATTTTTTGCCAGTCATGACCT"


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    path = tmp_path_factory.mktemp("reference") / "genome.fa"
    path.write_text(f">chr1\n{GENOME}\n>odd\n{'acgtRYKN' * 5}\n")
    pysam.faidx(str(path))
    return str(path)


def read(position, sequence, start, end, contig="chr1"):
    place = {"contig": contig, "position": position, "sequence": sequence}
    return pd.DataFrame([place | {"reference_start": start, "reference_end": end}])


def surrounded(reads, reference, length):
    found = Contexts.read(reads, reference, length).surround(reads)
    return list(found.itertuples(index=False, name=None))


def test_a_read_stands_in_the_reference_around_it(reference):
    # A substitution at base 18 (position 19) in a read of [16, 22): of 16 bases 8 stand before it.
    reads = read(19, "ACAATT", 16, 22)
    (made,) = surrounded(reads, reference, 16)
    assert made == (GENOME[10:16] + "ACAATT" + GENOME[22:26], GENOME[10:26], 6)


def test_both_are_equally_long_where_the_read_gains_or_loses_bases(reference):
    gained, lost = read(19, "ACGGAT", 16, 21), read(19, "ACTTTG", 16, 27)
    assert surrounded(gained, reference, 16) == [
        (GENOME[10:16] + "ACGGAT" + GENOME[21:25], GENOME[10:26], 6)
    ]
    assert surrounded(lost, reference, 16) == [
        (GENOME[10:16] + "ACTTTG" + GENOME[27:31], GENOME[10:26], 6)
    ]


def test_all_reads_over_an_allele_share_their_reference(reference):
    reads = pd.concat([read(19, GENOME[at : at + 6], at, at + 6) for at in (13, 15, 18)])
    contexts = Contexts.read(reads, reference, 16)
    assert contexts.loci["bases"].tolist() == [GENOME[10:26]]
    assert set(contexts.surround(reads)["reference_sequence"]) == {GENOME[10:26]}
    assert set(contexts.surround(reads)["sequence"]) == {GENOME[10:26]}


def test_at_a_contigs_ends_there_is_less(reference):
    assert surrounded(read(3, GENOME[:6], 0, 6), reference, 16) == [(GENOME[:10], GENOME[:10], 0)]
    assert surrounded(read(38, GENOME[33:39], 33, 39), reference, 16) == [
        (GENOME[29:], GENOME[29:], 4)
    ]
    # Longer than the contig, and the read has lost a base: both end with the shorter.
    (made,) = surrounded(read(19, "ACTTTT", 16, 23), reference, 400)
    assert made == (GENOME[:16] + "ACTTTT" + GENOME[23:], GENOME[:-1], 16)


def test_letters_that_are_no_bases_are_n(reference):
    # Of 16 bases around base 19, a t, the first is base 11, also a t.
    reads = read(20, "ACGT", 16, 20, contig="odd")
    assert surrounded(reads, reference, 16) == [("TNNNNACGTNNNNACG", "TNNNNACGTNNNNACG", 5)]


def test_a_gap_left_of_the_allele_moves_the_surroundings(reference):
    # The read begins at base 2 and lost [5, 17): eight bases before 19 is behind its start.
    reads = read(19, GENOME[2:5] + GENOME[17:20], 2, 20)
    (made,) = surrounded(reads, reference, 16)
    lost = GENOME[2:5] + GENOME[17:30]
    assert made == (lost, GENOME[2:18], 0)
    # A read without the gap has its own, whatever else lies over the locus.
    both = pd.concat([reads, read(19, GENOME[16:22], 16, 22)])
    assert surrounded(both, reference, 16) == [made, (GENOME[10:26], GENOME[10:26], 6)]


@given(
    position=st.integers(1, 34),
    deleted=st.integers(1, 6),
    alt=st.text("ACGT", min_size=1, max_size=6),
    length=st.sampled_from([40, 41, 60]),
)
def test_a_written_allele_in_context_is_the_haplotype(reference, position, deleted, alt, length):
    ref = GENOME[position - 1 : position - 1 + deleted]
    with pysam.FastaFile(reference) as genome:
        made = write_allele(genome, "chr1", position, ref, alt, length=20)
    if alt == ref or made is None:
        return
    names = ("sequence", "reference_sequence", "variant_offset")
    allele = {"contig": "chr1", "position": position, "ref": ref, "alt": alt}
    reads = placed(pd.DataFrame([allele | dict(zip(names, made, strict=True))]))
    haplotype = GENOME[: position - 1] + alt + GENOME[position - 1 + len(ref) :]
    begin = position - 1 - length // 2
    stop = min(begin + length, len(GENOME), len(haplotype))
    begin = max(0, begin)
    ((sequence, window, before),) = surrounded(reads, reference, length)
    assert (sequence, window) == (haplotype[begin:stop], GENOME[begin:stop])
    assert sequence[before : before + 20] == made[0]


def test_reads_of_a_real_person_lie_where_they_say(real):
    data = brca1(real, read_length=100, reference_loci=200, context=1000)
    extraction = extract_examples(data, processes=1)
    examples, contexts = extraction.examples, extraction.contexts
    found = contexts.surround(examples)
    before = found["before"].to_numpy()
    for name in ("sequence", "reference_sequence"):
        pairs = zip(found[name], before, examples[name], strict=True)
        assert all(whole[at : at + 100] == part for whole, at, part in pairs)
        assert set(found[name].str.len()) == {1000}
    # What follows the read is the reference from where its last base is aligned.
    with pysam.FastaFile(str(real / "GRCh38.17.fa.gz")) as genome:
        for row, whole, at in zip(examples.itertuples(), found["sequence"], before, strict=True):
            behind = whole[at + 100 :]
            end = row.reference_end
            assert genome.fetch(row.contig, end, end + len(behind)).upper() == behind
    assert len(set(found["reference_sequence"])) <= examples["position"].nunique() + 5


def test_a_context_must_hold_reads():
    with pytest.raises(InputError, match=r"context: 250 bases are too few around reads of 150"):
        load(DataSettings, {"demo": {}, "context": 250})
    assert load(DataSettings, {"demo": {}, "context": 300}).sequence_length == 300
    assert load(DataSettings, {"demo": {}}).sequence_length == 150
