import re
from collections import Counter

import numpy as np
import pysam
import pysam.bcftools
import pysam.samtools
import pytest

from evoflow.demo.files import SAMPLE


def read(path):
    with pysam.VariantFile(str(path)) as vcf:
        return list(vcf)


def normalise(path, reference, to):
    """Split, left-align and trim with bcftools, which stops at a REF that is not in the FASTA."""
    pysam.bcftools.norm(
        *("-m", "-any", "-c", "e", "-f", str(reference), "-Ob", "-o", str(to), str(path)),
        catch_stdout=False,
    )
    return read(to)


def alleles(records):
    return {(r.chrom.removeprefix("chr"), r.pos, r.ref, alt) for r in records for alt in r.alts}


@pytest.fixture(scope="module")
def clinvar(data):
    return read(data.clinvar)


@pytest.fixture(scope="module")
def called(data):
    return read(data.individuals[0].variants)


def test_clinvar_is_spelled_without_chr_and_normalised(clinvar, data, bases, tmp_path):
    assert {record.chrom for record in clinvar} == {"1", "2", "3"}
    renamed = tmp_path / "reference.fa"
    renamed.write_text("".join(f">{name[3:]}\n{bases[name]}\n" for name in bases))
    normalised = normalise(data.clinvar, renamed, tmp_path / "normalised.bcf")
    assert [record.id for record in normalised] == [record.id for record in clinvar]
    assert alleles(normalised) == alleles(clinvar)
    for record in clinvar:
        assert bases[f"chr{record.chrom}"][record.start : record.stop] == record.ref


def test_clinvar_fields_look_like_clinvar(clinvar):
    assert len(clinvar) > 2500
    assert len({record.id for record in clinvar}) == len(clinvar)
    assert 0.02 < np.mean(["RS" not in record.info for record in clinvar]) < 0.09
    assert all(re.fullmatch(r"\d+", rs) for r in clinvar if "RS" in r.info for rs in r.info["RS"])
    assert all(re.fullmatch(r"DEMO\d+:\d+", r.info.get("GENEINFO", "DEMO1:1")) for r in clinvar)
    classes = Counter(record.info["CLNSIG"][0] for record in clinvar)
    assert set(classes) == {
        "Benign", "Likely_benign", "Uncertain_significance", "Likely_pathogenic", "Pathogenic"
    }  # fmt: skip
    assert min(classes.values()) > 200


def test_consequences_are_spelled_as_clinvar_does(clinvar):
    terms = [record.info["MC"] for record in clinvar if "MC" in record.info]
    assert all(re.fullmatch(r"SO:\d{7}\|\w[\w-]+", term) for each in terms for term in each)
    spelled = Counter(term for each in terms for term in each)
    assert spelled["SO:0001583|missense_variant"] > 400
    assert spelled["SO:0001587|nonsense"] > 100
    firsts = Counter(each[0].partition("|")[2] for each in terms if len(each) > 1)
    # The milder of two terms stands first about as often as last.
    mild = firsts["non-coding_transcript_variant"] + firsts["intron_variant"]
    assert 0.3 < mild / firsts.total() < 0.7
    assert firsts.total() > 300


def test_some_rs_ids_are_shared_by_two_alleles(clinvar):
    rsids = Counter(record.info["RS"][0] for record in clinvar if "RS" in record.info)
    assert sum(count == 2 for count in rsids.values()) > 30


def test_the_individual_is_called_on_chr_contigs(called, bases):
    assert {record.chrom for record in called} == set(bases)
    assert all(bases[r.chrom][r.start : r.stop] == r.ref for r in called)
    assert all(record.samples[SAMPLE].phased for record in called)
    genotypes = Counter(tuple(sorted(record.samples[SAMPLE]["GT"])) for record in called)
    assert genotypes[0, 1] > 500
    assert genotypes[1, 1] > 250
    assert genotypes[1, 2] > 10
    assert genotypes[0, 0] > 5


def test_unnormalised_indels_normalise_to_clinvars(called, clinvar, data, world, tmp_path):
    path = data.individuals[0].variants
    normalised = normalise(path, data.reference, tmp_path / "normalised.bcf")
    expected = {
        (allele.contig.removeprefix("chr"), allele.start + 1, allele.ref, allele.alt)
        for allele in (call.allele for call in world.calls)
    }
    assert alleles(normalised) == expected
    # Thirty and more are ClinVar's only once they are normalised, right-shifted ones among them.
    known = alleles(clinvar)
    assert len((expected & known) - alleles(called)) >= 30
    moved = alleles(called) - expected
    assert sum(len(ref) == 1 or len(alt) == 1 for _, _, ref, alt in moved) >= 20
    assert sum(min(len(ref), len(alt)) > 1 for _, _, ref, alt in moved) >= 10


def test_the_individual_has_alleles_that_clinvar_lacks(clinvar, data, tmp_path):
    path = data.individuals[0].variants
    own = alleles(normalise(path, data.reference, tmp_path / "normalised.bcf"))
    unknown = own - alleles(clinvar)
    listed = {(record.chrom, record.pos) for record in clinvar}
    assert sum(key[:2] in listed for key in unknown) >= 30
    assert sum(key[:2] not in listed for key in unknown) >= 100


def test_the_bam_is_sound(data):
    path = data.individuals[0].reads
    assert pysam.samtools.quickcheck("-v", path) == ""
    with pysam.AlignmentFile(path) as bam:
        assert bam.check_index()
        assert bam.header["HD"]["SO"] == "coordinate"
        assert bam.header["RG"][0]["SM"] == SAMPLE
        assert "PG" not in bam.header
        assert bam.mapped == bam.count(until_eof=True)
