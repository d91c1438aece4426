"""Tables that bcftools normalises: what is left out of them, and their order."""

from dataclasses import replace
from random import Random

import pandas as pd
import pysam
import pysam.bcftools
import pytest

from evoflow.errors import InputError
from evoflow.extract.vcf.normalise import Differing, write_called, write_clinvar
from evoflow.extract.vcf.variants import join, read_called, read_clinvar
from tests.extract.records import GENOME, GT, INFO, other, write


def test_mismatches_are_shown_unless_the_reference_is_unknown_there(folder):
    (folder / "masked.fa").write_text(f">chr1\n{GENOME[:29]}N{GENOME[30:]}\n")
    wrong = [(at, other(at), other(at, 2), ".", "0/1") for at in (20, 30)]
    source = write(folder, [*wrong, (40, None, other(40), ".", "0/1")], header=[GT])
    written = write_called(source, "p", "all", str(folder / "masked.fa"), folder)
    assert (written.records, written.mismatches) == (3, 2)
    assert written.differing == Differing(1, (f"chr1:20 has {other(20)}, not {GENOME[19]}",))


def test_a_damaged_reference_is_named_and_not_the_vcf(tmp_path):
    genome = "".join(Random(4).choices("ACGT", k=200_000))
    path = tmp_path / "genome.fa.gz"
    (tmp_path / "genome.fa").write_text(f">chr1\n{genome}\n")
    pysam.tabix_compress(str(tmp_path / "genome.fa"), str(path))
    pysam.faidx(str(path))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    rows = [(at, genome[at - 1], "N", "RS=1") for at in (20, 100_000)]
    source = write(tmp_path, rows, header=INFO, samples=())
    source = replace(source, regions=((0, len(genome)),))
    with pytest.raises(InputError, match=r"genome.fa.gz: is damaged: .* at chr1:100000; copy it"):
        write_clinvar(source, str(path), tmp_path)


def test_table_is_sorted_where_a_record_moves_far_in_a_repeat(tmp_path):
    unit, around = "ACGGT", "".join(Random(3).choices("ACGT", k=500))
    genome = around + "T" + unit * 600 + "CC" + around
    (tmp_path / "genome.fa").write_text(f">chr1\n{genome}\n")
    pysam.faidx(str(tmp_path / "genome.fa"))
    first, far = len(around), len(around) + 2900
    rows = [
        *((at, genome[at - 1], "N", "RS=1") for at in range(first + 20, far, 20)),
        (far, genome[far - 1 : far + 5], genome[far - 1], "RS=2"),  # deletes one of the 600
        (far + 20, genome[far + 19], "N", "RS=1"),
    ]
    source = write(tmp_path, rows, header=[*INFO, "##contig=<ID=1>"], samples=())
    source = replace(source, regions=((0, len(genome)),))
    table = write_clinvar(source, str(tmp_path / "genome.fa"), tmp_path).table
    found = pd.concat(read_clinvar(table, source))
    assert found[found["rs"] == "2"]["position"].item() <= first + 1
    assert found["position"].is_monotonic_increasing


CSQ = (
    '##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. '
    'Format: Allele|Consequence|IMPACT|SYMBOL">'
)


def test_an_individuals_annotation_wins_then_clinvars_then_mc(folder):
    genome = str(folder / "genome.fa")
    at_20, at_30, at_40 = other(20), other(30), other(40)
    # At 20 two alleles, of which the person carries the second; nothing is said at 40.
    named = f"CSQ={at_20}|stop_gained|HIGH|G,{other(20, 2)}|synonymous_variant|LOW|G"
    called = write(
        folder,
        [(20, None, f"{at_20},{other(20, 2)}", named, "0/2"),
         (30, None, at_30, ".", "0/1"), (40, None, at_40, "DP=3", "0/1"),
         (50, None, other(50), f"CSQ={other(50)}|made_up|LOW|G", "0/1")],
        header=[GT, CSQ],
    )  # fmt: skip
    known = "RS=1;MC=SO:0001583|missense_variant,SO:0001627|intron_variant"
    clinvar = write(
        folder,
        [(20, None, other(20, 2), f"{known};CSQ={other(20, 2)}|intron_variant|MODIFIER|G"),
         (30, None, at_30, f"{known};CSQ={at_30}|splice_donor_variant|HIGH|G"),
         (40, None, at_40, known), (50, None, other(50), known)],
        header=[*INFO, CSQ], samples=(),
    )  # fmt: skip
    person = write_called(called, "p", "all", genome, folder, consequence_field="CSQ").table
    carried, *_ = read_called(person, called)
    table = write_clinvar(clinvar, genome, folder, "CSQ").table
    joined, dropped, unknown = join(carried, read_clinvar(table, clinvar), clinvar)
    labels = dict(zip(joined["position"], joined["consequence"], strict=True))
    assert labels == {
        20: "synonymous_variant", 30: "splice_donor_variant", 40: "missense_variant"
    }  # fmt: skip
    assert unknown == {"made_up": 1}
    assert dropped["consequence is unknown"] == 1
    # Without the setting, MC alone counts.
    carried, *_ = read_called(write_called(called, "p", "all", genome, folder).table, called)
    table = write_clinvar(clinvar, genome, folder).table
    joined, *_ = join(carried, read_clinvar(table, clinvar), clinvar)
    assert set(joined["consequence"]) == {"missense_variant"}


def test_an_annotation_stays_with_its_allele_when_that_is_moved(tmp_path):
    genome = "ACGTTGCA" * 10 + "CAGAGAGAGT" + "TTGCACGA" * 10
    (tmp_path / "genome.fa").write_text(f">chr1\n{genome}\n")
    pysam.faidx(str(tmp_path / "genome.fa"))
    # The last AG of CAGAGAGAG is lost, or a C gained there: left-aligned, that is CAG>C at 81.
    info = "CSQ=-|frameshift_variant|HIGH|G,AGC|inframe_insertion|MODERATE|G"
    source = write(tmp_path, [(87, "GAG", "G,GAGC", info, "1/2")], header=[GT, CSQ])
    source = replace(source, regions=((0, len(genome)),))
    written = write_called(
        source, "p", "all", str(tmp_path / "genome.fa"), tmp_path, consequence_field="CSQ"
    )
    carried, *_ = read_called(written.table, source)
    rows = carried.sort_values("position")[["position", "ref", "alt", "own_mc"]]
    assert rows.to_numpy().tolist() == [
        [81, "CAG", "C", "SO:0001589|frameshift_variant"],
        [89, "G", "GC", "SO:0001821|inframe_insertion"],
    ]


def test_what_bcftools_csq_writes_is_read(tmp_path):
    bases = list("".join(Random(5).choices("ACGT", k=300)))
    bases[100:130] = "ATGCGTTGGTGGAAAGAAGAAGAAGAATAA"
    genome = "".join(bases)
    (tmp_path / "genome.fa").write_text(f">chr1\n{genome}\n")
    (tmp_path / "bcftools.fa").write_text(f">1\n{genome}\n")
    rest = "1\tx\t{}\t{}\t{}\t.\t+\t{}\t{}"
    lines = [
        ("gene", 91, 150, ".", "ID=gene:G;biotype=protein_coding"),
        ("mRNA", 91, 150, ".", "ID=transcript:T;Parent=gene:G;biotype=protein_coding"),
        ("five_prime_UTR", 91, 100, ".", "Parent=transcript:T"),
        ("exon", 91, 150, ".", "Parent=transcript:T"),
        ("CDS", 101, 130, "0", "Parent=transcript:T"),
        ("three_prime_UTR", 131, 150, ".", "Parent=transcript:T"),
    ]
    gff = "\n".join(rest.format(*line) for line in lines)
    (tmp_path / "genes.gff").write_text(f"##gff-version 3\n{gff}\n")
    # CGT is R and CAC is H, at 104; TGG is W and TGA a stop, at 107; GAA is E and TAA a stop.
    rows = [
        (95, None, other_than(genome[94]), ".", "0|1"),
        (105, "G", "A", ".", "0|1"), (106, "T", "C", ".", "0|1"),
        (109, "G", "A,GAAA", ".", "1|2"), (116, "G", "T", ".", "1|0"),
        (140, genome[139], other_than(genome[139]), ".", "0|1"),
    ]  # fmt: skip
    rows = [(at, ref or genome[at - 1], *more) for at, ref, *more in rows]
    source = write(tmp_path, rows, header=[GT, "##contig=<ID=1,length=300>"])
    told = pysam.bcftools.csq(
        "-f", str(tmp_path / "bcftools.fa"), "-g", str(tmp_path / "genes.gff"), "-p", "a",
        source.path,
    )  # fmt: skip
    assert "BCSQ=@105" in told
    plain = tmp_path / "annotated.vcf"
    plain.write_text(told)
    pysam.tabix_index(str(plain), preset="vcf", force=True)
    source = replace(source, path=f"{plain}.gz", regions=((0, 300),))
    written = write_called(
        source, "p", "all", str(tmp_path / "genome.fa"), tmp_path, consequence_field="BCSQ"
    )
    carried, *_ = read_called(written.table, source)
    own = {(row.position, row.alt): row.own_mc.split("|")[1] for row in carried.itertuples()}
    assert own == {
        (95, other_than(genome[94])): "5_prime_UTR_variant",
        (105, "A"): "missense_variant",
        (106, "C"): "missense_variant",
        (109, "A"): "stop_gained",
        (109, "GAAA"): "inframe_insertion",
        (116, "T"): "stop_gained",
        (140, other_than(genome[139])): "3_prime_UTR_variant",
    }


def other_than(base):
    return "ACGT"["ACGT".index(base) - 1]
