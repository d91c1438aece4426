"""Choices that depend on nothing but the seed: not on processes, formats or the files' order."""

from random import Random

import pysam
import pytest

from evoflow.extract import example_rows
from evoflow.extract.examples import extract_examples
from evoflow.settings import DataSettings, Individual

from .twin import in_sample

CONTIGS = {"chr1": 3000, "chr2": 2000}
SITES = range(100, 1900, 30)
"""0-based loci of ClinVar on each contig; Ann carries every fifth, Bob every seventh."""


def write_bam(path, genome, step, name, *, backwards=False):
    header = {
        "HD": {"VN": "1.6", "SO": "coordinate"},
        "SQ": [{"SN": contig, "LN": length} for contig, length in CONTIGS.items()],
        "RG": [{"ID": "1", "SM": name}],
    }
    reads = []
    with pysam.AlignmentFile(str(path), "wb", header=header) as file:
        for number, bases in enumerate(genome.values()):
            carrying = list(bases)
            for at in SITES[::step]:
                carrying[at] = other(bases[at])
            # Pairs of reads that begin at one place, so that their order in the file is free.
            for begin in range(0, len(bases) - 60, 10):
                for haplotype in (bases, "".join(carrying)):
                    read = pysam.AlignedSegment(file.header)
                    read.query_name = f"{name}-{begin}-{haplotype is bases}"
                    read.reference_id, read.reference_start = number, begin
                    read.mapping_quality = 60
                    read.query_sequence = haplotype[begin : begin + 60]
                    read.cigarstring = "60M"
                    reads.append(read)
        order = -1 if backwards else 1
        for read in sorted(
            reads[::order], key=lambda each: (each.reference_id, each.reference_start)
        ):
            file.write(read)
    pysam.index(str(path))


def other(base):
    return "ACGT"[("ACGT".index(base) + 1) % 4]


def write_variants(path, genome, rows, sample=""):
    lines = ["##fileformat=VCFv4.2"]
    lines += [f"##contig=<ID={contig},length={length}>" for contig, length in CONTIGS.items()]
    lines += ['##INFO=<ID=RS,Number=.,Type=String,Description="">']
    lines += ['##INFO=<ID=MC,Number=.,Type=String,Description="">']
    lines += ['##FORMAT=<ID=GT,Number=1,Type=String,Description="">']
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]
    lines.append("\t".join(columns + (["FORMAT", sample] if sample else [])))
    for contig, bases in genome.items():
        for at in rows:
            info = "." if sample else f"RS={at};MC=SO:0001583|missense_variant"
            row = [contig, str(at + 1), ".", bases[at], other(bases[at]), ".", ".", info]
            lines.append("\t".join(row + (["GT", "0/1"] if sample else [])))
    path.write_text("\n".join(lines) + "\n")
    pysam.tabix_index(str(path), preset="vcf", force=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    random = Random(5)
    genome = {name: "".join(random.choices("ACGT", k=size)) for name, size in CONTIGS.items()}
    (folder / "genome.fa").write_text("".join(f">{name}\n{genome[name]}\n" for name in genome))
    pysam.faidx(str(folder / "genome.fa"))
    write_variants(folder / "clinvar.vcf", genome, SITES)
    people = []
    for name, step in (("ann", 5), ("bob", 7)):
        write_variants(folder / f"{name}.vcf", genome, SITES[::step], name)
        write_bam(folder / f"{name}.bam", genome, step, name)
        write_bam(folder / f"{name}.backwards.bam", genome, step, name, backwards=True)
        pysam.view(
            "-C", "-T", str(folder / "genome.fa"), "-o", str(folder / f"{name}.cram"),
            str(folder / f"{name}.bam"), catch_stdout=False,
        )  # fmt: skip
        pysam.index(str(folder / f"{name}.cram"))
        people.append(
            Individual(
                sample=name,
                reads=str(folder / f"{name}.bam"),
                variants=str(folder / f"{name}.vcf.gz"),
            )
        )
    return DataSettings(
        reference=str(folder / "genome.fa"),
        clinvar=str(folder / "clinvar.vcf.gz"),
        individuals=tuple(people),
        read_length=50,
        reads_per_variant=3,
        reference_loci=20,
    )


@pytest.fixture(scope="module")
def whole(data):
    """What comes of the settings as they are."""
    return extract_examples(data, processes=1)


@pytest.fixture(scope="module")
def with_all_loci(data):
    return extract_examples(data.model_copy(update={"reference_loci": "all"}), processes=1)


def examples(data, **settings):
    return extract_examples(data.model_copy(update=settings), processes=1).examples


def with_reads(data, ending):
    return tuple(
        person.model_copy(update={"reads": person.reads.replace(".bam", ending)})
        for person in data.individuals
    )


def test_every_process_count_gives_the_same_rows(data, whole):
    done = []
    many = extract_examples(data, processes=2, progress=lambda *each: done.append(each))
    assert many.examples.equals(whole.examples)
    # Four contigs of two people; then their alleles, and their reference loci.
    assert done[:4] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert done[4:] == [(number, 12) for number in range(5, 13)]


def test_size_of_the_parts_does_not_matter(data, whole, monkeypatch):
    monkeypatch.setattr(example_rows, "_LOCI_AT_ONCE", 3)
    parted = extract_examples(data, processes=1)
    assert parted.examples.equals(whole.examples)
    totals = [
        each.counts.groupby(["individual", "subject", "reason"])["count"].sum()
        for each in (whole, parted)
    ]
    assert totals[0].equals(totals[1])


def test_order_of_reads_in_the_file_does_not_matter(data, whole):
    assert examples(data, individuals=with_reads(data, ".backwards.bam")).equals(whole.examples)


def test_cram_gives_what_bam_gives(data, whole):
    assert examples(data, individuals=with_reads(data, ".cram")).equals(whole.examples)


def test_another_seed_chooses_other_reads_of_the_same_alleles(data, whole):
    one, two = whole.examples, examples(data, seed=1)
    alleles = ["individual", "contig", "position"]
    carriers = [table[table["carries_alt"]][alleles].drop_duplicates() for table in (one, two)]
    assert carriers[0].to_numpy().tolist() == carriers[1].to_numpy().tolist()
    assert not one["read_name"].equals(two["read_name"])


def test_alleles_and_reads_are_as_many_as_asked_for(whole):
    rows = whole.examples
    carriers = rows[rows["carries_alt"]].groupby("individual")
    assert {name: len(table.groupby(["contig", "position"])) for name, table in carriers} == {
        "ann": 2 * 12, "bob": 2 * 9,
    }  # fmt: skip
    assert set(rows[rows["carries_alt"]].groupby(["individual", "contig", "position"]).size()) == {
        3
    }


def test_reference_loci_are_drawn_over_all_contigs_of_an_individual(data, whole, with_all_loci):
    few, all_of_them = whole.examples, with_all_loci.examples
    few, all_of_them = few[~few["carries_alt"]], all_of_them[~all_of_them["carries_alt"]]
    assert few.groupby("individual").size().to_dict() == {"ann": 20, "bob": 20}
    assert all_of_them.groupby("individual").size().to_dict() == {"ann": 96, "bob": 102}
    assert set(few["contig"]) == set(CONTIGS)
    key = ["individual", "contig", "position", "read_name", "sequence"]
    assert len(few.merge(all_of_them, on=key)) == len(few)
    # More loci are the same ones and others.
    more = examples(data, reference_loci=40)
    assert len(few.merge(more[~more["carries_alt"]], on=key)) == len(few)


def test_no_reference_loci(data):
    assert examples(data, reference_loci=0)["carries_alt"].all()


def test_regions_bound_the_positions(data):
    regions = ("chr1:101-400", "2:1-1000", "chr1:380-700")
    rows = examples(data, regions=regions, reference_loci="all")
    chr1, chr2 = rows[rows["contig"] == "chr1"], rows[rows["contig"] == "chr2"]
    assert (chr1["position"].min(), chr1["position"].max()) == (101, 671)
    assert (chr2["position"].min(), chr2["position"].max()) == (101, 971)


def test_contigs_that_give_nothing_say_why(data, tmp_path):
    for source, contig in (("clinvar", "chr2"), ("ann", "chr1")):
        where = data.clinvar.replace("clinvar.vcf.gz", f"{source}.vcf.gz")
        only = str(tmp_path / f"{source}.vcf.gz")
        pysam.bcftools.view("-r", contig, "-Oz", "-o", only, where, catch_stdout=False)
        pysam.bcftools.index("-t", only)
    ann, bob = data.individuals
    ann = ann.model_copy(update={"variants": str(tmp_path / "ann.vcf.gz")})
    update = {"clinvar": str(tmp_path / "clinvar.vcf.gz"), "individuals": (ann, bob)}
    counts = extract_examples(data.model_copy(update=update), processes=1).counts
    contigs = counts[counts["subject"] == "contig"]
    assert {tuple(row) for row in contigs[["individual", "contig", "reason"]].to_numpy()} == {
        ("ann", "chr1", "ClinVar has no record on it"),
        ("ann", "chr2", "the individual has no variant on it"),
        ("bob", "chr1", "ClinVar has no record on it"),
        ("bob", "chr2", "gives examples"),
    }


def test_counts_of_a_subject_add_up_to_all(whole):
    counts = whole.counts
    totals = counts.groupby(["individual", "contig", "subject"])["count"].sum()
    for individual, alleles in (("ann", 12), ("bob", 9)):
        for contig in CONTIGS:
            assert totals[individual, contig, "variant"] == alleles
            assert totals[individual, contig, "genotype"] == alleles
            assert totals[individual, contig, "reference locus"] == len(SITES)
            # Six reads of each haplotype lie over a site.
            assert totals[individual, contig, "read over a variant"] == 12 * alleles


def test_reads_of_a_sample_are_counted_and_all_reads_only_where_it_has_none(with_all_loci):
    counts = with_all_loci.counts
    of_loci = counts[counts["subject"] == "read over a reference locus"]
    totals = of_loci.groupby(["individual", "contig"])["count"].sum()
    for individual, step in (("ann", 5), ("bob", 7)):
        looked = 0
        for at in set(SITES) - set(SITES[::step]):
            over = [begin for begin in range(0, 1940, 10) if begin <= at < begin + 60]
            names = [f"{individual}-{begin}-{own}" for begin in over for own in (True, False)]
            looked += sum(map(in_sample, names)) or len(names)
        assert totals[individual, "chr1"] == totals[individual, "chr2"] == looked
