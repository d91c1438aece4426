"""The demo's files, in the formats of the real ones: FASTA, VCF and BAM with their indices."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import pysam
import pysam.samtools
from numpy.random import Generator

from evoflow.demo.clinvar import ClinVarRecord
from evoflow.demo.consequences import ACCESSIONS, Allele, shiftable
from evoflow.demo.genes import Genome
from evoflow.demo.individual import Call

SAMPLE = "DEMO"
REFERENCE = "genome.fa"
CLINVAR = "clinvar.vcf.gz"
VARIANTS = "individual.vcf.gz"
READS = "individual.bam"

_LINE = 60
_UNNORMALISED = 0.4  # share of the individual's indels that are not written left-aligned or trimmed

_CLINVAR_INFO = (
    '<ID=ALLELEID,Number=1,Type=Integer,Description="the ClinVar Allele ID">',
    '<ID=CLNREVSTAT,Number=.,Type=String,Description="Review status of the classification">',
    '<ID=CLNSIG,Number=.,Type=String,Description="Aggregate germline classification">',
    '<ID=GENEINFO,Number=1,Type=String,Description="Gene symbol:gene id">',
    '<ID=MC,Number=.,Type=String,Description="Sequence Ontology ID|molecular_consequence">',
    '<ID=ORIGIN,Number=.,Type=String,Description="Allele origin; 1 is germline, 2 somatic">',
    '<ID=RS,Number=.,Type=String,Description="dbSNP ID (i.e. rs number)">',
)


def write_reference(path: Path, genome: Genome) -> None:
    """Write the FASTA and its .fai."""
    with path.open("w", encoding="ascii") as fasta:
        for contig, sequence in genome.sequences.items():
            lines = (sequence[at : at + _LINE] for at in range(0, len(sequence), _LINE))
            fasta.write("\n".join([f">{contig}", *lines, ""]))
    pysam.faidx(str(path))


def write_clinvar(path: Path, genome: Genome, records: Iterable[ClinVarRecord]) -> None:
    """Write ClinVar's VCF, whose contigs are named without `chr`, and its index."""
    header = pysam.VariantHeader()
    header.add_meta("source", "evoflow demo: simulated, no real ClinVar record")
    for info in _CLINVAR_INFO:
        header.add_line(f"##INFO={info}")
    for contig, sequence in genome.sequences.items():
        header.contigs.add(contig.removeprefix("chr"), len(sequence))
    with pysam.VariantFile(str(path), "wz", header=header) as vcf:
        for each in records:
            allele = each.allele
            record = vcf.new_record(
                contig=allele.contig.removeprefix("chr"),
                start=allele.start,
                alleles=(allele.ref, allele.alt),
                id=str(each.variation_id),
            )
            record.info["ALLELEID"] = each.variation_id + 15_000
            record.info["CLNSIG"] = (each.significance,)
            record.info["CLNREVSTAT"] = tuple(each.review.split(","))
            record.info["ORIGIN"] = (str(each.origin),)
            if each.gene:
                record.info["GENEINFO"] = f"{each.gene.symbol}:{each.gene.number}"
                record.info["MC"] = tuple(f"{ACCESSIONS[term]}|{term}" for term in each.terms)
            if each.rsid:
                record.info["RS"] = (str(each.rsid),)
            vcf.write(record)
    pysam.tabix_index(str(path), preset="vcf")


def write_variants(path: Path, genome: Genome, calls: Sequence[Call], rng: Generator) -> None:
    """Write the individual's phased VCF, some of its indels not normalised, and its index."""
    header = pysam.VariantHeader()
    header.add_line('##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">')
    for contig, sequence in genome.sequences.items():
        header.contigs.add(contig, len(sequence))
    header.add_sample(SAMPLE)
    rows: list[tuple[str, int, tuple[str, ...], tuple[int, ...]]] = []
    for (contig, position), group in groupby(calls, attrgetter("allele.contig", "allele.start")):
        at_one = list(group)
        genotype = tuple(
            next((n for n, call in enumerate(at_one, 1) if call.genotype[haplotype]), 0)
            for haplotype in range(2)
        )
        start, alleles = position, (at_one[0].allele.ref, *(call.allele.alt for call in at_one))
        if len(at_one) == 1 and at_one[0].allele.is_indel and rng.random() < _UNNORMALISED:
            start, alleles = _respell(genome.sequences[contig], at_one[0].allele)
        rows.append((contig, start, alleles, genotype))
    with pysam.VariantFile(str(path), "wz", header=header) as vcf:
        for contig, start, alleles, genotype in sorted(rows):
            record = vcf.new_record(contig=contig, start=start, alleles=alleles, filter="PASS")
            record.samples[SAMPLE]["GT"] = genotype
            record.samples[SAMPLE].phased = True
            vcf.write(record)
    pysam.tabix_index(str(path), preset="vcf")


def _respell(sequence: str, allele: Allele) -> tuple[int, tuple[str, str]]:
    """Another spelling of an indel: rolled right as far as it goes, else padded by two bases."""
    steps = shiftable(sequence, allele)
    if steps == 0:
        right = sequence[allele.end : allele.end + 2]
        return allele.start, (allele.ref + right, allele.alt + right)
    # Rolling turns the unit that is added or removed, base by base.
    unit = max(allele.ref, allele.alt, key=len)[1:]
    unit = unit[steps % len(unit) :] + unit[: steps % len(unit)]
    start = allele.start + steps
    anchor = sequence[start]
    deletes = len(allele.ref) > len(allele.alt)
    return start, (anchor + unit, anchor) if deletes else (anchor, anchor + unit)


def write_reads(path: Path, genome: Genome, reads: Iterable[str]) -> None:
    """Write the BAM, from lines of SAM in the order given, and its index."""
    header = pysam.AlignmentHeader.from_dict(
        {
            "HD": {"VN": "1.6", "SO": "coordinate"},
            "SQ": [{"SN": name, "LN": len(bases)} for name, bases in genome.sequences.items()],
            "RG": [{"ID": "demo", "SM": SAMPLE, "LB": "demo", "PL": "ILLUMINA"}],
        }
    )
    sam = path.with_suffix(".sam")
    with sam.open("w", encoding="ascii") as text:
        text.write(str(header))
        text.writelines(f"{read}\tRG:Z:demo\n" for read in reads)
    # Compressed fast: somebody waits for the demo, and a third more bytes is still little.
    pysam.samtools.view("--no-PG", "-1", "-o", str(path), str(sam), catch_stdout=False)
    sam.unlink()
    pysam.index(str(path))
