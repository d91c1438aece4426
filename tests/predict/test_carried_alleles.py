import gzip
from pathlib import Path

import pandas as pd
import pysam
import pytest

from evoflow.errors import InputError
from evoflow.extract.examples import extract_examples
from evoflow.predict.carried_alleles import ANNOTATION, extract_carried
from evoflow.settings import DataSettings
from evoflow.table import ALLELE


def settings(real):
    return DataSettings(
        reference=str(real / "GRCh38.17.fa.gz"),
        clinvar=str(real / "clinvar.brca1.vcf.gz"),
        individuals=[
            {
                "sample": "NA12878",
                "reads": str(real / "NA12878.brca1.bam"),
                "variants": str(real / "NA12878.brca1.vcf.gz"),
            }
        ],
        read_length=100,
        reads_per_variant=4,
        reference_loci=0,
    )


def test_every_allele_is_there_and_clinvars_are_annotated(real):
    found = extract_carried(settings(real), processes=1)
    alleles, reads = found.alleles, found.reads
    assert list(alleles) == [*ALLELE, *ANNOTATION]
    assert len(alleles) == 169
    assert (alleles["rsid"] != "").sum() == 157
    assert reads.groupby(ALLELE).size().max() == 4
    assert not found.left_out


def test_an_allele_has_the_filter_and_the_id_of_its_record(real, tmp_path):
    data = settings(real)
    person = data.individuals[0]
    with pysam.VariantFile(person.variants) as file:
        header = file.header.copy()
        header.filters.add("q10", None, None, "low")
        taken = [record for record in file if len(record.alleles) == 2][:3]
        with pysam.VariantFile(str(tmp_path / "mine.vcf.gz"), "wz", header=header) as mine:
            for number, record in enumerate(taken):
                record.translate(header)
                record.id = f"mine{number};other"
                record.filter.add("q10" if number else "PASS")
                mine.write(record)
    pysam.tabix_index(str(tmp_path / "mine.vcf.gz"), preset="vcf")
    person = person.model_copy(update={"variants": str(tmp_path / "mine.vcf.gz")})
    changes = {"individuals": (person,), "filters": "all"}
    alleles = extract_carried(data.model_copy(update=changes), processes=1).alleles
    found = alleles.sort_values("position")[["filter", "variant_id"]]
    assert found.to_numpy().tolist() == [
        ["PASS", "mine0;other"], ["q10", "mine1;other"], ["q10", "mine2;other"],
    ]  # fmt: skip


def test_reads_are_those_of_the_training(real):
    data = settings(real)
    reads = extract_carried(data, processes=1).reads
    examples = extract_examples(data, processes=1).examples
    columns = [*ALLELE, "sequence", "reference_sequence", "variant_offset"]
    known = examples[ALLELE].drop_duplicates().merge(reads, on=ALLELE)
    pd.testing.assert_frame_equal(known[columns], examples[columns], check_dtype=False)


def test_problems_of_all_files_come_together(real, tmp_path):
    data = settings(real)
    person = data.individuals[0].model_copy(
        update={"sample": "nobody", "reads": str(tmp_path / "absent.bam")}
    )
    clinvar = tmp_path / "clinvar.vcf.gz"
    clinvar.write_bytes(gzip.compress(gzip.decompress(Path(data.clinvar).read_bytes())))
    with pytest.raises(InputError) as error:
        extract_carried(data.model_copy(update={"individuals": (person,), "clinvar": str(clinvar)}))
    assert len(error.value.problems) == 3
    assert "clinvar.vcf.gz: its compression is GZIP" in str(error.value)
    assert "absent.bam" in str(error.value)
    assert "nobody" in str(error.value)
