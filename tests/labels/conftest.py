"""A contig with ClinVar's alleles, and a way to write users' tables beside it."""

import gzip
from random import Random

import pysam
import pytest

from evoflow.settings import DataSettings

BASES = (
    "".join(Random(3).choices("ACGT", k=60)) + "CAAAAAG" + "".join(Random(4).choices("ACGT", k=60))
)
DELETION = (61, "CA", "C")
"""The deletion of an A from CAAAAAG, left-aligned."""

_FIELDS = ("RS", "MC", "CLNSIG", "CLNREVSTAT", "ORIGIN")


def other(position):
    """Another base than the one at a 1-based position."""
    return next(base for base in "ACGT" if base != BASES[position - 1])


def snv(position):
    return position, BASES[position - 1], other(position)


@pytest.fixture
def data(tmp_path):
    """Four SNVs, one of them without an RS id, and a deletion in a repeat."""
    (tmp_path / "genome.fa").write_text(f">chr1\n{BASES}\n>chr2\n{BASES}\n")
    pysam.faidx(str(tmp_path / "genome.fa"))
    lines = ["##fileformat=VCFv4.2", f"##contig=<ID=1,length={len(BASES)}>"]
    lines += [f'##INFO=<ID={field},Number=.,Type=String,Description="">' for field in _FIELDS]
    lines += ["#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]
    known = "MC=SO:0001583|missense_variant;CLNSIG=Benign"
    for number, allele in enumerate([snv(10), snv(20), snv(30), snv(40), DELETION]):
        position, ref, alt = allele
        info = known if position == 40 else f"RS={number + 1};{known}"
        lines.append(f"1\t{position}\t{number}\t{ref}\t{alt}\t.\t.\t{info}")
    plain = tmp_path / "clinvar.vcf"
    plain.write_text("\n".join(lines) + "\n")
    pysam.tabix_index(str(plain), preset="vcf", force=True)
    return DataSettings(
        reference=str(tmp_path / "genome.fa"), clinvar=str(plain) + ".gz", haplotypes=5
    )


@pytest.fixture
def write(tmp_path):
    """Write lines to a file, gzipped where its name ends so; its path."""

    def write(name, *lines):
        path = tmp_path / name
        text = "".join(f"{line}\n" for line in lines).encode()
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
        return str(path)

    return write
