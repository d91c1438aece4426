"""Headers as the tools write them, and as others quote them."""

import pysam
import pytest

from evoflow.errors import InputError
from evoflow.inputs import preflight
from evoflow.inputs.consequence_field import Subfields, find_subfields
from tests.inputs.spoiled import rewrite_vcf, settings_of

VEP = "Consequence annotations from Ensembl VEP. Format: Allele|Consequence|IMPACT|SYMBOL"
CSQ = f'##INFO=<ID=CSQ,Number=.,Type=String,Description="{VEP}">\n'


SNPEFF = (
    "Functional annotations: 'Allele | Annotation | Annotation_Impact | Gene_Name | ERRORS / "
    "WARNINGS / INFO' "
)
BCFTOOLS = (
    "Haplotype-aware consequence annotation from BCFtools/csq, see http://x. Format: "
    "[*]Consequence|gene|transcript|biotype[|strand|amino_acid_change|dna_change]"
)
WHOLE = Subfields(1, allele=0, allele_is_alt=True)


@pytest.mark.parametrize(
    ("field", "description", "expected"),
    [
        ("CSQ", VEP, Subfields(1, allele=0)),
        ("vep", "Format: X|Consequence|ALLELE_NUM|Allele", Subfields(1, 3, allele_number=2)),
        ("CSQ", r"Format: \"Allele|Consequence|IMPACT\"", Subfields(1, allele=0)),
        ("CSQ", "Format: 'IMPACT | Consequence | Allele'", Subfields(1, allele=2)),
        ("ANN", SNPEFF, WHOLE),
        ("ANN", "from SnpEff", WHOLE),
        ("BCSQ", BCFTOOLS, Subfields(0, dna_change=6)),
    ],
)
def test_subfields_are_found_by_their_names(tmp_path, field, description, expected):
    path = tmp_path / "some.vcf"
    path.write_text(
        "##fileformat=VCFv4.2\n##contig=<ID=1>\n"
        f'##INFO=<ID={field},Number=.,Type=String,Description="{description}">\n'
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    )
    assert find_subfields(str(path), field) == expected
    assert find_subfields(str(path), "XYZ") is None


def annotate(folder, name, line):
    rewrite_vcf(folder, name, "##INFO=<ID=RS", f"{line}##INFO=<ID=RS")


def problems(folder, field="CSQ"):
    data = settings_of(folder).model_copy(update={"consequence_field": field})
    with pytest.raises(InputError) as caught:
        preflight.check(data)
    return caught.value.problems


def test_a_field_that_no_file_declares_is_refused_with_those_that_are_there(folder):
    (problem,) = problems(folder)
    assert "no file declares the INFO field CSQ" in problem
    assert "clinvar.vcf.gz has RS, MC; " in problem
    assert "person.vcf.gz has RS, MC)" in problem


def test_a_field_that_holds_something_else_is_refused(folder):
    annotate(folder, "person.vcf", '##INFO=<ID=AF,Number=A,Type=Float,Description="x">\n')
    assert "AF holds values of type Float" in problems(folder, "AF")[0]
    annotate(folder, "clinvar.vcf", '##INFO=<ID=CSQ,Number=.,Type=String,Description="a|b">\n')
    assert "names no subfields Allele and Consequence" in problems(folder)[0]


def test_one_file_with_the_field_is_enough(folder):
    data = settings_of(folder).model_copy(update={"consequence_field": "CSQ"})
    annotate(folder, "clinvar.vcf", CSQ)
    (warning,) = preflight.check(data).warnings
    assert "person.vcf.gz: has no INFO field CSQ; ClinVar's CSQ is used" in warning
    annotate(folder, "person.vcf", CSQ)
    assert preflight.check(data).warnings == ()


def test_clinvar_needs_no_mc_beside_its_own_field(folder):
    annotate(folder, "clinvar.vcf", CSQ)
    rewrite_vcf(folder, "clinvar.vcf", "##INFO=<ID=MC", "##INFO=<ID=MX")
    rewrite_vcf(folder, "clinvar.vcf", ";MC=", ";MX=")
    data = settings_of(folder).model_copy(update={"consequence_field": "CSQ"})
    assert len(preflight.check(data).warnings) == 1
    assert pysam.VariantFile(str(data.clinvar)).header.info["CSQ"].type == "String"
