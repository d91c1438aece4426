"""A contig as a plain VCF: what is in it, and what bcftools must not see."""

from dataclasses import replace

from evoflow.extract.vcf.plain_vcf import Source, is_inside, take, write_plain
from tests.extract.records import GENOME, INFO, other, write

SOURCE = Source("x.vcf.gz", ("1",), "chr1", ((10, 20), (30, 40)))


def records(path):
    return [line.split("\t") for line in path.read_text().splitlines() if line[0] != "#"]


def test_regions_are_half_open_and_positions_1_based():
    inside = [position for position in range(50) if is_inside(position, SOURCE)]
    assert inside == [*range(11, 21), *range(31, 41)]


def test_not_every_region_is_looked_at_for_a_position():
    class Regions(tuple):
        __slots__ = ()

        def __iter__(self):
            raise AssertionError("an exome has 200,000 of them")

    source = replace(SOURCE, regions=Regions((100 * at, 100 * at + 50) for at in range(1000)))
    assert [is_inside(position, source) for position in (99_901, 99_950, 99_951)] == [1, 1, 0]


def row(position, ref, alt):
    return [b"1", b"%d" % position, b"id", ref, alt, b".", b"q10", b"RS=1"]


def test_what_is_no_sequence_becomes_a_star_and_a_ref_that_is_none_is_left_out(tmp_path):
    rows = [row(11, b"A", b"C,<DEL>,n"), row(12, b"R", b"A"), row(25, b"R", b"A")]
    made = write_plain(SOURCE, rows, tmp_path, {"RS": "."})
    assert (made.inside, made.not_bases) == (2, 1)  # the last one lies between the regions
    assert records(made.path) == [["chr1", "11", "id", "A", "C,*,n", ".", ".", "RS=1"]]
    header = made.path.read_text().splitlines()
    assert "##contig=<ID=chr1>" in header
    assert '##INFO=<ID=RS,Number=.,Type=String,Description="">' in header


def test_records_just_behind_a_region_are_taken_too_for_they_may_move_into_it(tmp_path):
    rows = [(at, None, other(at), f"RS={at}") for at in (5, 15, 21)]
    source = write(tmp_path, rows, header=INFO, samples=())
    source = Source(source.path, source.spellings, "chr1", ((9, 20),))
    seen = []
    made = take(source, tmp_path, "RS=%INFO/RS", {"RS": "."}, gather=seen.extend)
    assert [fields[1] for fields in records(made.path)] == ["15", "21"]
    assert made.inside == 1
    assert [fields[3] for fields in seen] == [GENOME[14].encode(), GENOME[20].encode()]
