"""samtools and bcftools as this package runs them."""

from pathlib import Path
from random import Random

import pysam
import pysam.bcftools
import pysam.samtools
import pytest

from evoflow.errors import InputError
from evoflow.files.htslib import Fasta, is_cram, open_records, output, quiet, run


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path):
    path = tmp_path / "x.vcf"
    path.write_text("no VCF")
    with pytest.raises(InputError, match=r"mine\.vcf: bcftools view cannot read it .*check the"):
        run(pysam.bcftools.view, "-o", str(tmp_path / "out.vcf"), str(path), about="mine.vcf")
    with pytest.raises(InputError, match=r"mine\.vcf: "):
        output(pysam.bcftools.index, "-s", str(path), about="mine.vcf")


def test_what_a_command_says_is_returned(tmp_path):
    path = tmp_path / "x.fa"
    path.write_text(">chr1\nACGT\n")
    assert output(pysam.samtools.dict, str(path), about=str(path)).startswith("@HD")
    # The MD5 of ACGT, as `md5sum` gives it.
    assert "M5:f1f8f4bf413b16ad135722aa4591043e" in output(pysam.samtools.dict, str(path), about="")


def test_a_damaged_place_of_a_fasta_is_named_with_the_file(tmp_path):
    plain, path = tmp_path / "x.fa", str(tmp_path / "x.fa.gz")
    bases = "".join(Random(1).choices("ACGT", k=200_000))
    plain.write_text(f">chr1\n{bases}\n")
    pysam.tabix_compress(str(plain), path)
    pysam.faidx(path)
    content = bytearray(Path(path).read_bytes())
    content[len(content) // 2] ^= 0xFF  # in the second of four blocks
    Path(path).write_bytes(content)
    with quiet(), Fasta(path) as genome:
        assert genome.fetch("chr1", 5, 9) == bases[5:9]
        for where in (("chr1", 99_999, 100_009), ("chr1",)):
            with pytest.raises(
                InputError, match=r"x.fa.gz: is damaged: it cannot be read at chr1:1"
            ):
                genome.fetch(*where)
        with pytest.raises(ValueError, match="invalid"):
            genome.fetch("chr1", 5, -1)


def test_a_file_is_what_it_holds_whatever_its_name(tmp_path):
    path, header = str(tmp_path / "x.bam"), {"SQ": [{"SN": "chr1", "LN": 9}]}
    assert not is_cram(path)
    for mode, expected in (("wb", False), ("wc", True)):
        pysam.AlignmentFile(path, mode, header=header).close()
        assert is_cram(path) is expected
        with open_records(path) as reads:
            assert (reads.is_cram, reads.get_tid("chr1")) == (expected, 0)
    (tmp_path / "x.bam").write_text(
        "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    )
    with open_records(path) as variants:
        assert isinstance(variants, pysam.VariantFile)


def test_messages_are_off_only_meanwhile():
    before = pysam.set_verbosity(3)
    try:
        with quiet():
            assert pysam.get_verbosity() == 0
        assert pysam.get_verbosity() == 3
    finally:
        pysam.set_verbosity(before)
