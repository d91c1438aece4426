"""ClinVar alleles that nobody carries, written into the reference."""

from random import Random

import pytest
from pydantic import ValidationError

from evoflow.augment.split import assign_splits
from evoflow.errors import InputError
from evoflow.extract.examples import extract_examples
from evoflow.inputs import agreement, preflight
from evoflow.settings import DataSettings, Individual, SplitSettings
from evoflow.table import COLUMNS

from .worlds import SAMPLE, Record, World, make_read, random_world

LENGTH = 40
MISSENSE, STOP = "SO:0001583|missense_variant", "SO:0001587|nonsense"
SYNONYMOUS, INTRON = "SO:0001819|synonymous_variant", "SO:0001627|intron_variant"


def random_bases(size: int) -> str:
    return "".join(Random(3).choices("ACGT", k=size))


def known(position, ref, alt, *, mc: str | None = MISSENSE, rs: str | None = "1", name="1"):
    return Record(position, ref, (alt,), name, rs, mc)


def snv(genome: str, position: int, mc: str | None = MISSENSE, **fields) -> Record:
    ref = genome[position - 1]
    return known(position, ref, "ACGT"["CGTA".index(ref)], mc=mc, **fields)


def without_people(world: World, folder, **settings) -> DataSettings:
    data = world.write(folder, read_length=LENGTH, **settings)
    return data.model_copy(update={"individuals": ()})


def kept(data: DataSettings):
    extraction = extract_examples(data, processes=1)
    counts = extraction.counts[extraction.counts["individual"] == "haplotype"]
    assert set(counts["subject"]) == {"ClinVar allele"}
    examples = extraction.examples[extraction.examples["individual"] == "haplotype"]
    return examples, counts.set_index("reason")["count"].to_dict()


def test_alleles_of_every_kind_are_written_with_their_exact_length(tmp_path):
    genome = random_bases(400)
    records = [
        snv(genome, 60, rs="7", name="70"),
        known(120, genome[119:125], genome[119]),
        known(200, genome[199], genome[199] + "ACGTACG"),
        known(
            300, genome[299:301], "".join("ACGT"["CGTA".index(base)] for base in genome[299:301])
        ),
    ]
    data = without_people(World(genome, records), tmp_path, haplotypes=10)
    assert preflight.check(data).contigs["contig"].tolist() == ["chr1"]
    examples, counts = kept(data)
    assert counts == {"kept": 4}
    assert list(examples.columns) == list(COLUMNS)
    for row in examples.itertuples():
        begin = row.position - 1 - row.variant_offset
        haplotype = genome[: row.position - 1] + row.alt + genome[row.position - 1 + len(row.ref) :]
        assert row.sequence == haplotype[begin : begin + LENGTH]
        assert row.reference_sequence == genome[begin : begin + LENGTH]
        assert len(row.sequence) == len(row.reference_sequence) == LENGTH
        middle = row.variant_offset + len(row.alt) / 2
        assert abs(middle - LENGTH / 2) <= 3
    first = examples.iloc[0]
    assert first["read_name"] == f"chr1:60:{first['ref']}:{first['alt']}"
    assert (first["genotype"], first["strand"], first["mapping_quality"]) == ("1", "+", 255)
    assert (first["rsid"], first["clinvar_id"], first["impact_score"]) == ("rs7", "70", 5)
    assert examples["carries_alt"].all()


def test_what_cannot_be_used_is_counted_and_all_adds_up(tmp_path, monkeypatch):
    monkeypatch.setattr(agreement, "_TOLERATED", 0.2)  # one of these few has another REF
    genome = random_bases(400)
    genome = genome[:200] + "N" * 5 + genome[205:]
    records = [
        snv(genome, 50),
        snv(genome, 60, rs=None),
        snv(genome, 70, mc=None),
        snv(genome, 80, mc="SO:9999999|made_up"),
        snv(genome, 190),
        known(100, genome[99:150], genome[99]),
        known(110, genome[109], genome[109] + "ACGTA" * 8),
        known(120, "A" if genome[119] != "A" else "C", "G"),
    ]
    data = without_people(World(genome, records), tmp_path, haplotypes=10)
    examples, counts = kept(data)
    assert examples["position"].tolist() == [50, 100]  # a deletion may be longer than a read
    assert counts == {
        "kept": 2,
        "ClinVar gives no RS id": 1,
        "ClinVar gives no consequence": 1,
        "consequence is unknown": 1,
        "beside unknown bases": 1,
        "longer than read_length, or at the contig's end": 1,
        "REF differs from the reference": 1,
    }


def test_draw_is_even_over_impacts_then_over_consequences(tmp_path):
    genome = random_bases(3_000)
    places = iter(range(100, 2_900, 10))
    kinds = [INTRON] * 100 + [SYNONYMOUS] * 60 + [MISSENSE] * 50 + [STOP] * 3
    kinds += ["SO:0001820|inframe_indel"] * 10
    world = World(genome, [snv(genome, next(places), kind) for kind in kinds])
    data = without_people(world, tmp_path, haplotypes=43)
    examples, counts = kept(data)
    shares = examples["consequence"].value_counts().to_dict()
    assert shares.pop("stop_gained") == 3
    # The other 40: three impacts in turn, the more severe first; one of them has two kinds.
    assert shares == {
        "missense_variant": 7,
        "inframe_indel": 7,
        "synonymous_variant": 13,
        "intron_variant": 13,
    }
    assert counts == {"kept": 43, "not drawn": len(kinds) - 43}
    other = kept(data.model_copy(update={"seed": 1}))[0]
    assert set(other["position"]) != set(examples["position"])
    again = kept(data)[0]
    assert again.equals(examples)


def test_alleles_that_somebody_carries_are_left_out(tmp_path):
    genome = random_bases(400)
    carried, other = snv(genome, 100), snv(genome, 200)
    world = World(genome, [carried, other], [carried])
    read = list(genome[70:140])
    read[29] = carried.alts[0]
    world.reads = [make_read(len(genome), "read", 70, "".join(read), "70M")]
    data = world.write(tmp_path, read_length=LENGTH, haplotypes=10)
    extraction = extract_examples(data, processes=1)
    carriers = extraction.examples[extraction.examples["carries_alt"]]
    found = carriers[["individual", "position"]].itertuples(index=False, name=None)
    assert list(found) == [("haplotype", 200), (SAMPLE, 100)]
    _, counts = kept(data)
    assert counts == {"kept": 1, "an individual carries it": 1}


def test_processes_and_progress(tmp_path):
    seen = []
    data = random_world(7).write(tmp_path, read_length=20, haplotypes=5)
    one = extract_examples(data, processes=1, progress=lambda *done: seen.append(done))
    two = extract_examples(data, processes=2)
    assert two.examples.equals(one.examples)
    assert two.counts.equals(one.counts)
    assert seen == [(1, 2), (2, 4), (3, 4), (4, 4)]


def test_nothing_to_draw_from(tmp_path):
    genome = random_bases(400)
    world = World(genome, [snv(genome, 50, rs=None)])
    data = without_people(world, tmp_path, haplotypes=5)
    with pytest.raises(
        InputError, match=r"clinvar.vcf.gz: has no allele.*1 alleles: ClinVar gives"
    ):
        extract_examples(data, processes=1)


def test_nothing_in_the_regions(tmp_path):
    genome = random_bases(400)
    data = without_people(
        World(genome, [snv(genome, 300)]), tmp_path, haplotypes=5, regions=("chr1:1-50",)
    )
    with pytest.raises(InputError, match=r"clinvar.vcf.gz: has no allele for `haplotypes`"):
        extract_examples(data, processes=1)


def test_settings():
    files = {"reference": "a.fa", "clinvar": "c.vcf.gz"}
    assert DataSettings(**files, haplotypes=1).individuals == ()
    with pytest.raises(ValidationError, match="individuals must be set"):
        DataSettings(**files)
    named = Individual(sample="haplotype", reads="a.bam", variants="a.vcf.gz")
    with pytest.raises(ValidationError, match="is reserved for examples that `haplotypes` adds"):
        DataSettings(**files, individuals=(named,), haplotypes=1)


def test_real_alleles_alone_can_be_split(real):
    data = DataSettings(
        reference=str(real / "GRCh38.17.fa.gz"),
        clinvar=str(real / "clinvar.brca1.vcf.gz"),
        read_length=150,
        haplotypes=400,
    )
    preflight.check(data)
    examples, counts = kept(data)
    assert examples["impact"].value_counts().to_dict() == dict.fromkeys(
        ("HIGH", "MODERATE", "LOW", "MODIFIER"), 100
    )
    # Its 14,998 records less three without an ALT sequence and 14 with an N in it.
    assert sum(counts.values()) == 14_981
    examples = examples.assign(label=examples["impact_score"])
    sides = assign_splits(examples, SplitSettings(), read_length=150, seed=0)["split"]
    assert {"train", "validation", "test"} <= set(sides)
