"""Real VCFs hold more than letters: what is taken, what is dropped, and that both are counted."""

import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest

from evoflow.extract.reference_loci import loci_at, uncarried_positions
from evoflow.extract.vcf.normalise import write_called, write_clinvar
from evoflow.extract.vcf.plain_vcf import Source
from evoflow.extract.vcf.variants import join, read_called, read_clinvar
from tests.extract.records import GENOME, GT, INFO, MISSENSE, other, write


def called(folder, source, sample="p"):
    written = write_called(source, sample, ["PASS", "."], str(folder / "genome.fa"), folder)
    carried, unknown, dropped, genotypes = read_called(written.table, source)
    return carried, unknown, +dropped, genotypes, written.mismatches


def test_every_kind_of_record_is_taken_or_counted(folder):
    # Neither the contig nor any INFO field is defined: callers do that.
    source = write(
        folder,
        [
            (20, None, other(20), "XX=1", "0/1"),
            (30, None, other(30), ".", "1"),
            (40, None, other(40), ".", "0/1/1/1"),
            (50, None, other(50), ".", "./1"),
            (60, None, other(60), ".", "./."),
            (61, None, other(61), ".", "."),
            (70, None, other(70), ".", "0|0"),
            (80, None, f"*,{other(80)}", ".", "1/2"),
            (90, None, "<DEL>", "SVTYPE=DEL", "0/1"),
            (100, None, "N[chr2:33[", ".", "0/1"),
            (110, None, "<NON_REF>", "END=130", "0/0"),
            (140, None, ".", ".", "0/0"),
            (150, other(150), other(150, 2), ".", "0/1"),
            (160, None, f"{other(160)},{other(160, 2)}", ".", "1|2"),
            (170, None, other(170).lower(), ".", "0/1"),
            (180, None, f"{other(180)},{other(180, 2)}", ".", "./2"),
            (190, None, "<DEL>", ".", "./."),
        ],
        header=[GT],
    )
    carried, unknown, dropped, genotypes, mismatches = called(folder, source)
    assert dict(zip(carried["position"], carried["genotype"], strict=False)) == {
        20: "0/1", 30: "1", 40: "0/1/1/1", 50: "./1", 80: "0/1", 160: "0|1", 170: "0/1",
        180: "./1",
    }  # fmt: skip
    assert len(carried) == 9
    assert list(zip(unknown["position"], unknown["alt"], strict=True)) == [
        (60, other(60)), (61, other(61)), (180, other(180)),
    ]  # fmt: skip
    assert dropped == {
        "ALT is not a sequence": 6, "genotype is missing": 2, "genotype does not contain it": 2,
    }  # fmt: skip
    assert mismatches == 1
    assert genotypes == {"diploid": 11, "haploid": 1, "polyploid": 1, "half call": 3, "missing": 3}
    assert len(carried) + sum(dropped.values()) == sum(genotypes.values())


def test_one_sample_of_many(folder):
    site = (20, None, other(20), ".", "0/0", "1/1")
    source = write(folder, [site], header=[GT, "##contig=<ID=1>"], samples=("a", "b"))
    assert list(called(folder, source, "b")[0]["genotype"]) == ["1/1"]
    assert called(folder, source, "a")[2] == {"genotype does not contain it": 1}


def test_regions_hold_the_normalised_position(folder):
    rows = [(position, None, other(position), ".", "0/1") for position in (100, 101, 200, 201)]
    source = write(folder, rows, header=[GT])
    within = Source(source.path, ("1",), "chr1", ((99, 100), (200, 400)))
    table = write_called(within, "p", "all", str(folder / "genome.fa"), folder).table
    # Those behind the regions are known, for they may overlap a locus; but none is counted.
    *_, dropped, genotypes = read_called(table, within)
    assert genotypes == {"diploid": 2}
    assert not +dropped


def clinvar(folder, rows):
    source = write(folder, rows, header=[*INFO, "##contig=<ID=1>"], samples=())
    table = write_clinvar(source, str(folder / "genome.fa"), folder).table
    return source, table


def test_part_of_a_table_is_what_the_whole_has_there(folder):
    rows = [
        (at, None, other(at, steps), f"RS={at};{MISSENSE}")
        for at in (20, 30, 40, 41, 170)
        for steps in (1, 2)
    ]
    source, table = clinvar(folder, rows)
    whole = pd.concat(read_clinvar(table, source))
    for wanted in ([20, 170], [30, 41], [31, 39], [41], [1, 20], [171, 180], [41, 30, 30], []):
        part = pd.concat(read_clinvar(table, source, np.array(wanted, dtype=np.int64)))
        expected = whole[whole["position"].isin(wanted)]
        assert part.to_numpy().tolist() == expected.to_numpy().tolist()


@pytest.mark.parametrize(
    ("value", "numbers"),
    [
        ("7", "7"), ("7,8", "7,8"), ("7|8", "7,8"), ("7&8", "7,8"), ("rs7", "7"),
        ("rs7|RS8", "7,8"), ("7, 8", "7,8"),
        (".,7", "7"), ("-1", "."), ("nssv7", "."), (".", "."),
    ],
)  # fmt: skip
def test_rs_ids_are_told_apart_however_they_are_written(folder, value, numbers):
    source, table = clinvar(folder, [(20, None, other(20), f"RS={value}")])
    (found,) = pd.concat(read_clinvar(table, source))["rs"]
    assert found == numbers


def test_join_is_by_allele_and_says_why_not(folder):
    sites = [20, 30, 40, 50, 60]
    rows = [(at, None, other(at), ".", "0/1") for at in sites] + [(70, None, "N", ".", "0/1")]
    carried, *_ = called(folder, write(folder, rows, header=[GT]))
    source, table = clinvar(
        folder,
        [
            (20, None, other(20), f"RS=5;{MISSENSE};CLNSIG=Benign"),
            (30, None, other(30, 2), f"RS=6;{MISSENSE}"),  # another allele, same place
            (40, None, other(40), MISSENSE),
            (50, None, other(50), "RS=7"),
            (60, None, other(60), "RS=8;MC=SO:9999999|new_variant"),
            (70, None, "N", f"RS=9;{MISSENSE}"),
        ],
    )
    joined, dropped, unknown = join(carried, read_clinvar(table, source), source)
    assert joined[
        ["position", "rs", "significance", "gene", "impact_score"]
    ].to_numpy().tolist() == [[20, "5", "Benign", ".", 5]]
    assert +dropped == {
        "ClinVar does not list it": 2,
        "ClinVar gives no RS id": 1,
        "ClinVar gives no consequence": 1,
        "consequence is unknown": 1,
    }
    assert unknown == Counter({"SO:9999999|new_variant": 1})


def test_the_record_that_says_more_labels_an_allele(folder):
    row = (20, None, other(20), ".", "0/1")
    carried, *_ = called(folder, write(folder, [row], header=[GT]))
    source, table = clinvar(
        folder,
        [(20, None, other(20), "."), (20, None, other(20), "RS=3"),
         (20, None, other(20), f"RS=4;{MISSENSE}")],
    )  # fmt: skip
    joined, dropped, _ = join(carried, read_clinvar(table, source), source)
    assert list(joined["rs"]) == ["4"]
    assert not +dropped


def test_the_consequences_of_all_records_of_an_allele_count(folder):
    sites = [20, 30, 100]
    rows = [(at, None, other(at), ".", "0/1") for at in sites]
    carried, *_ = called(folder, write(folder, rows, header=[GT]))
    stop, intron = "MC=SO:0001587|nonsense", "MC=SO:0001627|intron_variant"
    longer = (99, GENOME[98:100], GENOME[98] + other(100))  # 100 spelled with the base before it
    source, table = clinvar(
        folder,
        [(20, None, other(20), f"RS=2;{intron}"), (20, None, other(20), f"RS=2;{stop}"),
         (30, None, other(30), "RS=3"), (30, None, other(30), MISSENSE),
         (*longer, stop), (100, None, other(100), f"RS=4;{intron}")],
    )  # fmt: skip
    joined, dropped, _ = join(carried, read_clinvar(table, source), source)
    labels = joined[["position", "rs", "consequence"]].to_numpy().tolist()
    assert labels == [
        [20, "2", "stop_gained"], [30, "3", "missense_variant"], [100, "4", "stop_gained"],
    ]  # fmt: skip
    assert not +dropped


def test_the_classifications_of_all_records_of_an_allele_are_told(folder):
    source, table = clinvar(
        folder,
        [(20, None, other(20), f"RS=2;{MISSENSE};CLNSIG=Benign"),
         (20, None, other(20), f"RS=2;{MISSENSE};CLNSIG=Pathogenic"),
         (30, None, other(30), f"RS=3;{MISSENSE};CLNSIG=Benign"),
         (30, None, other(30), f"RS=3;{MISSENSE};CLNSIG=Benign"),
         (30, None, other(30), f"RS=3;{MISSENSE}")],
    )  # fmt: skip
    found = pd.concat(read_clinvar(table, source))
    assert list(found["significance"]) == ["Benign|Pathogenic", "Benign"]


def test_reference_loci_are_free_of_alleles(folder):
    deletion = (100, GENOME[99:105], GENOME[99], ".", "0/1")  # 100 to 105
    carried, *_ = called(folder, write(folder, [deletion], header=[GT]))
    source, table = clinvar(
        folder,
        [
            (98, GENOME[97:100], other(98) + GENOME[98] + other(100), "RS=2"),
            (99, None, other(99), "RS=1"),  # touches, does not overlap
            (104, None, other(104), "RS=3"),
            (106, None, other(106), "RS=4"),
            # The shorter of two stands for their place.
            (106, GENOME[105:108], other(106) + GENOME[106] + other(108), "RS=5"),
            (120, None, other(120), "."),
            (200, GENOME[199:230], GENOME[199], "RS=6"),
        ],
    )
    positions, dropped = uncarried_positions(carried, read_clinvar(table, source), longest=30)
    assert list(positions) == [99, 106]
    loci = loci_at(read_clinvar(table, source, positions))
    assert list(zip(loci["position"], loci["rs"], strict=True)) == [(99, "1"), (106, "4")]
    assert dropped == {"the individual carries an allele there": 2, "longer than a read": 1}


def test_failed_calls_are_known_and_marked(folder):
    header = [GT, '##FILTER=<ID=q10,Description="">']
    source = write(
        folder, [(at, None, other(at), ".", "0/1") for at in (20, 30, 40, 50)], header=header
    )
    plain = folder / "filtered.vcf"
    lines = gzip.decompress(Path(source.path).read_bytes()).decode().splitlines()
    for number, value in enumerate(("PASS", ".", "q10", "q10;undefined")):
        fields = lines[number - 4].split("\t")
        lines[number - 4] = "\t".join([*fields[:6], value, *fields[7:]])
    # The same allele again, of a call that passed: that one counts.
    lines.append(lines[-1].replace("q10;undefined", "PASS"))
    plain.write_text("\n".join(lines) + "\n")
    pysam.tabix_index(str(plain), preset="vcf", force=True)
    filtered = Source(f"{plain}.gz", ("1",), "chr1", source.regions)
    for filters, passed in (
        (("PASS", "."), [20, 30, 50]), (("q10", "PASS"), [20, 40, 50]), ("all", [20, 30, 40, 50]),
    ):  # fmt: skip
        written = write_called(filtered, "p", filters, str(folder / "genome.fa"), folder)
        found, _, dropped, _ = read_called(written.table, filtered)
        assert sorted(found["position"]) == [20, 30, 40, 50]
        assert sorted(found["position"][found["passed"]]) == passed
        assert dropped["its call failed a filter"] == 4 - len(passed)
        assert dropped["listed twice"] == 1


def test_a_sample_may_have_a_filter_of_its_own(folder):
    # Of joint calls FILTER is the site's, and FT is that of each sample.
    filters = {20: "0/1:PASS", 30: "0/1:LowGQ", 40: "0/1:.", 50: "0/1", 60: "0/1:LowGQ;LowDP"}
    own = '##FORMAT=<ID=FT,Number=1,Type=String,Description="">'
    rows = [(at, None, other(at), ".", genotype) for at, genotype in filters.items()]
    source = write(folder, rows, header=[GT, own])
    text = gzip.decompress(Path(source.path).read_bytes()).decode()
    plain = folder / "own.vcf"
    plain.write_text(text.replace("\tGT\t0/1:", "\tGT:FT\t0/1:"))
    pysam.tabix_index(str(plain), preset="vcf", force=True)
    source = Source(f"{plain}.gz", ("1",), "chr1", source.regions)
    for wanted, passed in ((("PASS", "."), [20, 40, 50]), (("LowGQ", "."), [30, 40, 50])):
        written = write_called(source, "p", wanted, str(folder / "genome.fa"), folder)
        found, *_ = read_called(written.table, source)
        assert sorted(found["position"]) == list(filters)
        assert sorted(found["position"][found["passed"]]) == passed
