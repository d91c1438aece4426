"""VCF records of one small contig, written by hand."""

from random import Random

import pysam

from evoflow.extract.vcf.plain_vcf import Source

GENOME = "".join(Random(3).choices("ACGT", k=400))
"""`chr1` of the reference; VCFs call it `1`."""

GT = '##FORMAT=<ID=GT,Number=1,Type=String,Description="genotype">'
INFO = [f'##INFO=<ID={tag},Number=.,Type=String,Description="">' for tag in ("RS", "MC", "CLNSIG")]
MISSENSE = "MC=SO:0001583|missense_variant"


def write(folder, rows, *, header=(), samples=("p",)) -> Source:
    """Write rows of (position, ref or None, alt, info, genotype...) with contig `1`."""
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO" + "\tFORMAT" * bool(samples)
    lines = ["##fileformat=VCFv4.2", *header, "\t".join([columns, *samples])]
    for position, ref, alt, info, *genotypes in rows:
        fields = ["1", str(position), ".", ref or GENOME[position - 1], alt, ".", ".", info]
        lines.append("\t".join([*fields, *(["GT", *genotypes] if samples else [])]))
    plain = folder / f"{len(list(folder.iterdir()))}.vcf"
    plain.write_text("\n".join(lines) + "\n")
    pysam.tabix_index(str(plain), preset="vcf", force=True)
    return Source(f"{plain}.gz", ("1",), "chr1", ((0, len(GENOME)),))


def other(position, steps=1):
    return "ACGT"[("ACGT".index(GENOME[position - 1]) + steps) % 4]
