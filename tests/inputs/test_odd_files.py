"""Headers and records that real files have: all that can be right is right, the rest is counted."""

import tempfile
from collections import Counter
from random import Random

import pysam
import pysam.bcftools
import pytest

from evoflow.errors import InputError

from .odd_files import (
    ALL,
    CLINVAR_NAMES,
    FORMAT,
    GENOME,
    HEADER,
    SITES,
    OddWorld,
    as_cram,
    calls,
    clinvar,
    other,
    row,
    rows_of,
    strip_counts,
)  # fmt: skip

CHR1 = GENOME["chr1"]
FIRST = ("chr1", SITES[0])
WITHOUT_FIRST = {key: number for key, number in ALL.items() if key != FIRST}
REST = calls()[1:]
NAMINGS = {
    "plink": {"chr1": "1", "chrX": "23", "chrM": "26"},
    "plink, both sexes": {"chr1": "1", "chrX": "25", "chrM": "26"},
    "refseq": {"chr1": "NC_000001.11", "chrX": "NC_000023.11", "chrM": "NC_012920.1"},
    "lower case": {"chr1": "CHR1", "chrX": "chrx", "chrM": "chrm"},
    "bare": {"chr1": "1", "chrX": "x", "chrM": "mt"},
}


def records_of(extraction) -> Counter:
    counts = extraction.counts[extraction.counts["subject"] == "record"]
    return Counter(dict(counts.groupby("reason")["count"].sum()))


def variants_of(extraction) -> dict[str, int]:
    counts = extraction.counts[extraction.counts["subject"] == "variant"]
    return dict(counts.groupby("reason")["count"].sum())


@pytest.mark.parametrize("naming", NAMINGS)
def test_contigs_of_any_file_may_have_other_names(tmp_path, naming):
    names = NAMINGS[naming]
    worlds = {
        "calls": OddWorld(calls=calls(names), header=[HEADER[0], FORMAT]),
        "clinvar": OddWorld(clinvar=clinvar(names)),
        "reads": OddWorld(reads_names=names),
    }
    for name, world in worlds.items():
        (tmp_path / name).mkdir()
        data = world.write(tmp_path / name)
        assert rows_of(data)[0] == ALL, name
    # The world of the reads again, as a CRAM of a reference with the same names and a decoy.
    own = {names[contig]: bases for contig, bases in GENOME.items()} | {"decoy": "ACGT" * 30}
    assert rows_of(as_cram(data, own))[0] == ALL


ODD_CALLS = {
    "header spells another way": (calls(CLINVAR_NAMES), ALL, {}),
    "two spellings": ([calls()[0], *calls(CLINVAR_NAMES)[1:]], ALL, {}),
    "an allele under two spellings": (
        [*calls()[:2], row("1", 400, of="chr1"), *calls()[2:]], ALL, {"listed twice": 1},
    ),
    "ALT equals REF": (
        [*calls(), row("chrM", 700, alt=GENOME["chrM"][699].encode())], ALL, {"ALT equals REF": 1},
    ),
    "listed twice": ([calls()[0], *calls()], ALL, {"listed twice": 1}),
    "a star beside it": (
        [row("chr1", 400, alt=b"*," + other(CHR1[399]).encode(), gt=b"1/2"), *REST],
        ALL, {"ALT is not a sequence": 1},
    ),
    "symbolic beside it": (
        [row("chr1", 400, alt=b"<DEL>," + other(CHR1[399]).encode(), gt=b"1/2"), *REST],
        ALL, {"ALT is not a sequence": 1},
    ),
    "what is no sequence": (
        [*calls(), row("chrM", 700, alt=b"N[chr1:5["), row("chrM", 701, alt=b"<INS:ME:ALU>"),
         row("chrM", 702, alt=b"."), row("chrM", 703, alt=b"-"), row("chrM", 704, alt=b"R"),
         row("chrM", 705, ref=b"R")],
        ALL, {"ALT is not a sequence": 5, "REF is not A, C, G, T or N": 1},
    ),
    "no GT in a record": (
        [row("chr1", 400, format=b"DP", gt=b"7"), *REST],
        WITHOUT_FIRST, {"genotype is missing": 1},
    ),
    "GT is not the first": ([row("chr1", 400, format=b"DP:GT", gt=b"7:0/1"), *REST], ALL, {}),
    "GT names no allele": (
        [row("chr1", 400, gt=b"0/11"), *REST], WITHOUT_FIRST, {"genotype does not contain it": 1},
    ),
    "polyploid and haploid": (
        [row("chr1", 400, gt=b"0/0/0/1"), row("chr1", 600, gt=b"1"), *calls()[2:]], ALL, {},
    ),
    "one wrong REF": (
        [row("chr1", 400, ref=other(CHR1[399], 2).encode()), *REST],
        WITHOUT_FIRST, {"REF differs from the reference": 1},
    ),
    "behind the contig's end": (
        [*calls()[:2], row("chr1", 1300, ref=b"A", alt=b"C", of="none"), *calls()[2:]], ALL, {},
    ),
    "REF reaches behind the contig's end": (
        [*calls()[:2], row("chr1", 1199, ref=CHR1[1198:].encode() + b"AA", alt=b"A"),
         *calls()[2:]],
        ALL, {"REF differs from the reference": 1},
    ),
    "breakends at the telomeres": (
        [row("chr1", 0, ref=b"N", alt=b".[chrX:5[", of="none"), *calls()[:2],
         row("chr1", 1201, ref=b"N", alt=b"].", of="none"), *calls()[2:]],
        ALL, {},
    ),
    "a failed call": (
        [row("chr1", 400, filter=b"q\xb5"), *REST], WITHOUT_FIRST, {"its call failed a filter": 1},
    ),
    "bytes of Latin-1": ([row("chr1", 400, id=b"\xb5", info=b"X=\xfc\xff"), *REST], ALL, {}),
    "lines end as on Windows": ([each + b"\r" for each in calls()], ALL, {}),
}  # fmt: skip


@pytest.mark.parametrize("case", ODD_CALLS)
def test_odd_records_are_taken_or_counted(tmp_path, case):
    rows, expected, dropped = ODD_CALLS[case]
    found, extraction, _ = rows_of(OddWorld(calls=rows).write(tmp_path))
    assert found == expected
    assert records_of(extraction).total() == len(rows)
    variants = variants_of(extraction)
    assert {reason: n for reason, n in variants.items() if reason != "kept"} == dropped
    assert variants["kept"] == len(expected)


def test_contigs_that_the_reference_lacks_are_warned_of_and_counted(tmp_path):
    strange = [row(name, 9, ref=b"A", alt=b"C") for name in ("chrUn_1", "HLA-A*01:01", "27")]
    found, extraction, warnings = rows_of(OddWorld(calls=[*calls(), *strange]).write(tmp_path))
    assert found == ALL
    assert records_of(extraction) == {
        "in the regions": 6, "contig: the reference does not have it": 3,
    }  # fmt: skip
    (warning,) = warnings
    assert "3 records are left out" in warning
    assert all(name in warning for name in ("chrUn_1 (1)", "HLA-A*01:01 (1)", "27 (1)"))


@pytest.mark.parametrize(
    "changes",
    [
        {"csi": True},
        {"header": [HEADER[0], FORMAT]},
        {"header": HEADER[:-1]},
        {"header": [HEADER[0], *HEADER[3:0:-1], FORMAT]},
        {"header": [*HEADER, *HEADER[1:4]]},
        {"header": [*HEADER, b"##lab=10 \xb5g", b'##INFO=<ID=\xb5,Number=1,Type=String,D="\xb5">']},
        {"reads_header": b"@CO\t10 \xb5g"},
        {"reads_header": b"@RG\tID:b\tSM:M\xfcller\tDS:\xb5"},
        {"reads_header": b"@PG\tID:b\tCL:\xb5"},
        {"fasta": OddWorld.fasta.replace(b">chr1", b">chr1 \xb5")},
        {"fasta": OddWorld.fasta.replace(b"\n", b"\r\n")},
        {"fasta": OddWorld.fasta.lower().replace(b">chrx", b">chrX").replace(b">chrm", b">chrM")},
        {"fasta": OddWorld.fasta + b">chrMT\n" + b"ACGT" * 10 + b"\n"},
        {"clinvar": [line for line in clinvar() for _ in range(2)], "reference_loci": 2},
        {
            "clinvar": [line.replace(b"G:1", b"G\xb5:1") for line in clinvar()],
            "reference_loci": 2,
        },
    ],
)
def test_headers_and_indexes_may_be_odd(tmp_path, changes):
    found, extraction, _ = rows_of(OddWorld(**changes).write(tmp_path))
    assert found == ALL
    assert records_of(extraction) == {"in the regions": 6}


def test_indexes_that_do_not_count_are_no_empty_files(tmp_path):
    data = OddWorld().write(tmp_path)
    strip_counts(data)
    found, extraction, _ = rows_of(data)
    assert found == ALL
    assert records_of(extraction) == {"in the regions": 6}


def test_an_index_of_an_earlier_file_is_made_anew(tmp_path):
    data = OddWorld().write(tmp_path)
    plain = tmp_path / "person.vcf"
    plain.write_bytes(plain.read_bytes().replace(b"VCFv4.2\n", b"VCFv4.2\n##a=1\n"))
    pysam.tabix_compress(str(plain), f"{plain}.gz", force=True)
    found, _, warnings = rows_of(data)
    assert found == ALL
    assert "person.vcf.gz: its index belongs to another file" in "\n".join(warnings)


@pytest.mark.parametrize(
    ("in_the_file", "in_settings"),
    [
        (b"M\xfcller, J", "Müller, J"),
        ("Müller".encode(), "Müller"),
        (b"^x y", "^x y"),
        (b"a,b", "a,b"),
    ],
)
def test_samples_may_have_any_name(tmp_path, in_the_file, in_settings):
    data = OddWorld(sample=in_the_file, reference_loci=2).write(tmp_path)
    person = data.individuals[0].model_copy(update={"sample": in_settings})
    found, extraction, _ = rows_of(data.model_copy(update={"individuals": (person,)}))
    assert found == ALL
    assert set(extraction.examples["individual"]) == {in_settings}


def test_a_bcf_holds_what_its_vcf_holds(tmp_path):
    data = OddWorld(calls=[row("chr1", 400, id=b"\xb5"), *REST]).write(tmp_path)
    bcf = str(tmp_path / "person.bcf")
    pysam.bcftools.view("-Ob", "-o", bcf, data.individuals[0].variants, catch_stdout=False)
    pysam.bcftools.index(bcf)
    person = data.individuals[0].model_copy(update={"variants": bcf})
    assert rows_of(data.model_copy(update={"individuals": (person,)}))[0] == ALL


def test_a_cram_may_be_masked_where_no_read_is_or_in_lower_case(tmp_path):
    data = OddWorld().write(tmp_path)
    lower = {name: bases.lower() for name, bases in GENOME.items()}
    assert rows_of(as_cram(data, lower))[0] == ALL
    elsewhere = GENOME | {"chrX": "N" * 50 + GENOME["chrX"][50:]}
    assert rows_of(as_cram(data, elsewhere))[0] == ALL


def test_a_cram_of_another_reference_is_said_to_be_one(tmp_path):
    masked = GENOME | {"chrX": GENOME["chrX"][:380] + "N" * 40 + GENOME["chrX"][420:]}
    data = as_cram(OddWorld().write(tmp_path), masked)
    with pytest.raises(InputError, match=r"reads.cram: was made with another reference: its chrX"):
        rows_of(data)
    assert rows_of(data.model_copy(update={"regions": ("1",)}))[0] == {
        key: number for key, number in ALL.items() if key[0] == "chr1"
    }


def test_a_bgzipped_fasta_that_is_cut_off_is_named(tmp_path):
    data = OddWorld().write(tmp_path)
    packed = tmp_path / "ref.fa.gz"
    pysam.tabix_compress(str(data.reference), str(packed))
    pysam.faidx(str(packed))
    data = data.model_copy(update={"reference": str(packed)})
    assert rows_of(data)[0] == ALL
    packed.write_bytes(packed.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"ref.fa.gz: "):
        rows_of(data)


@pytest.mark.parametrize("name", ['it\'s 100%s "#1"?', "ünï;$HOME&*[a]", "new\nline"])
def test_paths_may_hold_any_letter(tmp_path, monkeypatch, name):
    folder = tmp_path / name
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    assert rows_of(OddWorld().write(folder))[0] == ALL


def test_most_contigs_of_another_length_are_refused_and_one_is_left_out(tmp_path):
    one = [line.replace(b"length=900", b"length=901") for line in HEADER]
    found, extraction, warnings = rows_of(OddWorld(header=one).write(tmp_path))
    assert found == {key: number for key, number in ALL.items() if key[0] != "chrM"}
    assert records_of(extraction)["contig: it has another length than in the reference"] == 2
    assert "contig chrM is left out: it has 901 bases" in "\n".join(warnings)
    every = [line.replace(b"length=", b"length=1") for line in HEADER]
    (tmp_path / "all").mkdir()
    with pytest.raises(InputError, match=r"person.vcf.gz: its contig chr1 has 11,200 bases"):
        rows_of(OddWorld(header=every).write(tmp_path / "all"))


def spoil(random: Random, line: bytes) -> bytes:
    """Change some bytes of a record, as broken tools do."""
    columns = line.split(b"\t")
    at = random.randrange(len(columns))
    columns[at] = random.choice(
        [b".", b"", b"0", b"-1", b"\xb5\xff", b"A", b"<X>", b"*", b"N", b"1/1", b"a,b", b"9" * 12]
    )
    return b"\t".join(columns)


@pytest.mark.parametrize("seed", range(20))
def test_a_spoilt_record_is_one_message_or_costs_itself_alone(tmp_path, seed):
    random = Random(seed)
    world = OddWorld()
    lines = random.choice([world.calls, world.clinvar])
    world.reference_loci = 2 if lines is world.clinvar else 0
    at = random.randrange(len(lines))
    lines[at] = spoil(random, lines[at])
    try:
        data = world.write(tmp_path)
    except OSError:
        return  # tabix does not index it, so that nobody has it
    try:
        found, extraction, _ = rows_of(data)
    except InputError as error:
        message = str(error)
    else:
        message = ""
        assert sum(found[key] == number for key, number in ALL.items()) >= len(ALL) - 1
        assert records_of(extraction).total() == len(world.calls)
    assert not message or "person.vcf.gz" in message or "clinvar.vcf.gz" in message
