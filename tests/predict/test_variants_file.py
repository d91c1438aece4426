import pysam
import pytest

from evoflow.errors import InputError
from evoflow.predict.variants_file import write_alleles

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


def test_a_plain_unsorted_vcf_is_normalised_and_spelled_as_the_reference(reference, tmp_path):
    path = tmp_path / "variants.vcf"
    path.write_text(VCF)
    alleles, dropped = write_alleles(path, reference, 20)
    found = alleles[["contig", "position", "ref", "alt", "variant_id"]].to_numpy().tolist()
    # The inserted T moves left to the start of its run, after the A at 20.
    assert GENOME[19:26] == "ATTTTTT"
    assert ["chr1", 13, "T", "A", "snv"] in found
    assert ["chr1", 20, "A", "AT", "ins"] in found
    # Neither `wrong` nor the record on contig 2 has the reference's base.
    assert (GENOME[13], GENOME[::-1][4]) == ("G", "C")
    assert len(found) == 2
    assert dropped == 2


def test_a_vcf_of_other_contigs_names_both(reference, tmp_path):
    path = tmp_path / "other.vcf"
    path.write_text(
        VCF.replace("ID=2", "ID=7")
        .replace("ID=1", "ID=8")
        .replace("\n2\t", "\n7\t")
        .replace("\n1\t", "\n8\t")
    )
    with pytest.raises(InputError, match=r"other.vcf: none of its contigs .*chr1, chr2"):
        write_alleles(path, reference, 20)


def test_what_is_not_a_vcf_is_an_input_error(reference, tmp_path):
    path = tmp_path / "notes.vcf"
    path.write_text("these are notes\n")
    with pytest.raises(InputError, match=r"notes.vcf"):
        write_alleles(path, reference, 20)
