import pysam
import pytest

from evoflow.errors import InputError
from evoflow.predict.commands import Predictions
from evoflow.predict.files import write_predictions
from evoflow.predict.variants_file import write_alleles
from tests.inputs import odd_files
from tests.inputs.test_odd_files import ODD_CALLS

GENOME = "ACGTTGCAACCATGGTACGATTTTTTGCCAGTCATGACCTGA"


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    path = tmp_path_factory.mktemp("reference") / "genome.fa"
    path.write_text(f">chr1\n{GENOME}\n>chr2\n{GENOME[::-1]}\n")
    pysam.faidx(str(path))
    return str(path)


VCF = """##fileformat=VCFv4.2
##contig=<ID=2>
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO
2\t5\t.\tG\tA,T\t.\t.\t.
1\t24\tins\tT\tTT\t.\t.\t.
1\t13\tsnv\tT\tA\t.\t.\t.
1\t14\twrong\tC\tA\t.\t.\t.
"""


def write(tmp_path, text, name="variants.vcf"):
    path = tmp_path / name
    path.write_text(text)
    return str(path)


def test_a_plain_unsorted_vcf_is_normalised_and_spelled_as_the_reference(reference, tmp_path):
    written = write_alleles(write(tmp_path, VCF), reference, 20)
    columns = ["contig", "position", "ref", "alt", "variant_id"]
    found = written.alleles[columns].to_numpy().tolist()
    # The inserted T moves left to the start of its run, after the A at 20.
    assert GENOME[19:26] == "ATTTTTT"
    assert found == [["chr1", 13, "T", "A", "snv"], ["chr1", 20, "A", "AT", "ins"]]
    # Neither `wrong` nor both alleles of the record on contig 2 have the reference's base.
    assert (GENOME[13], GENOME[::-1][4]) == ("G", "C")
    assert written.left_out == {"REF differs from the reference": 3}
    assert written.listed[["record", "alternate", "position"]].to_numpy().tolist() == [
        [2, 0, 13], [1, 0, 20],
    ]  # fmt: skip


ODD = """##fileformat=VCFv4.2
##contig=<ID=chr1,length=42>
##contig=<ID=NC_000002.12>
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO
chr1\t13\ta\tT\t<DEL>,A,*\t.\t.\t.
chr1\t13\tb\tT\tT\t.\t.\t.
1\t13\tc\tT\tA\t.\t.\t.
chr9\t13\td\tT\tA,C\t.\t.\t.
NC_000002.12\t5\te\tC\t.\t.\t.\t.
NC_000002.12\t6\tf\tR\tA\t.\t.\t.
NC_000002.12\t6\tg\tA\tC\t.\t.\t.
chr1\t42\th\tA\tAA\t.\t.\t.
"""


def test_every_allele_is_listed_or_left_out_for_a_reason(reference, tmp_path):
    assert GENOME[::-1][5] == "A"
    written = write_alleles(write(tmp_path, ODD), reference, 20)
    assert written.left_out == {
        "ALT is not a sequence of bases": 3,
        "ALT equals REF": 1,
        "REF is not A, C, G, T or N": 1,
        "longer than read_length, or at the contig's end": 1,
        "the reference has no contig chr9": 2,
    }
    # `1` is chr1: its record names an allele that is listed already.
    assert written.listed[["record", "alternate"]].to_numpy().tolist() == [[0, 1], [2, 0], [6, 0]]
    assert written.alleles["variant_id"].tolist() == ["a", "g"]
    assert len(written.listed) + written.left_out.total() == 3 + 1 + 1 + 2 + 1 + 1 + 1 + 1


def test_positions_that_the_contig_does_not_have_are_left_out(reference, tmp_path):
    rows = [f"1\t{at}\t.\t{GENOME[0]}\tT\t.\t.\t.\n" for at in (0, 43, 3_000_000_000)]
    written = write_alleles(write(tmp_path, VCF + "".join(rows)), reference, 20)
    assert len(written.alleles) == 2
    assert written.left_out == {"REF differs from the reference": 3 + 3}


def test_a_vcf_of_other_contigs_names_both(reference, tmp_path):
    other = VCF.replace("ID=2", "ID=7").replace("\n2\t", "\n7\t").replace("\n1\t", "\n8\t")
    with pytest.raises(InputError, match=r"other.vcf: none of its contigs .*chr1, chr2"):
        write_alleles(write(tmp_path, other, "other.vcf"), reference, 20)


def test_a_vcf_of_another_build_is_refused(reference, tmp_path):
    rows = [f"chr1\t{at}\t.\tA\tC\t.\t.\t.\n" for at in range(1, 43)]
    head = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    assert GENOME.count("A") == 10
    with pytest.raises(InputError, match=r"REF differs from .*genome.fa in 32 of 42 records"):
        write_alleles(write(tmp_path, head + "".join(rows)), reference, 20)


def test_what_is_not_a_vcf_is_an_input_error(reference, tmp_path):
    with pytest.raises(InputError, match=r"notes.vcf"):
        write_alleles(write(tmp_path, "these are notes\n", "notes.vcf"), reference, 20)


@pytest.mark.parametrize("case", ODD_CALLS)
def test_odd_records_are_listed_or_counted_and_stay_in_the_vcf(tmp_path, case):
    rows, _, _ = ODD_CALLS[case]
    world = odd_files.OddWorld(calls=rows)
    world.write(tmp_path)
    reference = str(tmp_path / "ref.fa")
    written = write_alleles(str(tmp_path / "person.vcf"), reference, 50)
    alternates = sum(row.split(b"\t")[4].count(b",") + 1 for row in rows)
    assert len(written.listed) + written.left_out.total() == alternates
    scored = written.alleles.assign(score=1.0, log_likelihood_ratio=0.5)
    contigs = {name: len(bases) for name, bases in odd_files.GENOME.items()}
    found = Predictions(
        scored,
        contigs,
        written.left_out,
        variants=str(tmp_path / "person.vcf"),
        listed=written.listed,
    )
    write_predictions(found, tmp_path / "scored.vcf.gz", {"head": "head"})
    with pysam.VariantFile(str(tmp_path / "scored.vcf.gz")) as file:
        records = list(file)
    assert len(records) == len(rows)
    scores = [record.info.get("EVOFLOW_SCORE", ()) for record in records]
    assert sum(score is not None for each in scores for score in each) == len(written.listed)


def test_a_vcf_without_records_gives_none(reference, tmp_path):
    written = write_alleles(write(tmp_path, VCF[: VCF.index("2\t5")]), reference, 20)
    assert written.alleles.empty
    assert list(written.listed) == ["record", "alternate", "contig", "position", "ref", "alt"]


@pytest.mark.parametrize("ending", [".vcf", ".vcf.gz"])
def test_records_on_no_contig_are_left_out_and_the_others_keep_their_scores(
    reference, tmp_path, ending
):
    body = [
        ".\t13\tnowhere\tT\tA,C\t.\t.\t.",
        "1\t13\tsnv\tT\tA\t.\tPASS\t.",
        "\t14\tempty\tG\tA\t.\t.\t.",
        "PASS\t9\todd\tA\tC\t.\t.\tPASS",
        "1\t24\tins\tT\tTT\t\t\t",
    ]
    head = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    path = write(tmp_path, head + "\n".join(body) + "\n")
    written = write_alleles(path, reference, 20)
    assert written.left_out == {"CHROM names no contig": 3, "the reference has no contig PASS": 1}
    assert written.alleles["variant_id"].tolist() == ["snv", "ins"]
    scored = written.alleles.assign(score=[1.0, 2.0], log_likelihood_ratio=0.5)
    lengths = {"chr1": 42, "chr2": 42}
    found = Predictions(scored, lengths, written.left_out, variants=path, listed=written.listed)
    output = tmp_path / f"scored{ending}"
    write_predictions(found, output, {"head": "head"})
    with pysam.VariantFile(str(output)) as file:
        scores = {record.id: record.info.get("EVOFLOW_SCORE") for record in file}
    assert scores == {"snv": (1.0,), "ins": (2.0,), "odd": None}


def test_a_vcf_whose_records_all_lie_nowhere_is_refused(reference, tmp_path):
    nowhere = VCF.replace("\n2\t", "\n.\t").replace("\n1\t", "\n.\t")
    with pytest.raises(InputError, match=r"variants.vcf: none of its contigs .*chr1, chr2"):
        write_alleles(write(tmp_path, nowhere), reference, 20)
