"""Time and memory of `extract` on a simulated chromosome, beside two baselines.

(a) A loop that opens a region per ClinVar locus and searches a list of the variants for each, as
simple scripts do; (b) `samtools view -M -L` on the same loci, which does nothing with the reads.

    python tests/benchmarks/bench_extract.py --megabases 20
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pysam
import pysam.bcftools
import pysam.samtools

READ = 150
NAME = 10
CODES = np.array([1, 2, 4, 8], dtype=np.uint8)  # A, C, G, T in BAM's 4-bit alphabet
BASES = np.frombuffer(b"ACGT", dtype=np.uint8)
RECORD = np.dtype(
    [
        ("size", "<i4"), ("contig", "<i4"), ("position", "<i4"), ("name_length", "u1"),
        ("mapping_quality", "u1"), ("bin", "<u2"), ("operations", "<u2"), ("flag", "<u2"),
        ("length", "<i4"), ("mate_contig", "<i4"), ("mate_position", "<i4"), ("template", "<i4"),
        ("name", f"S{NAME}"), ("cigar", "<u4"), ("bases", "u1", (READ // 2,)),
        ("qualities", "u1", (READ,)),
    ]
)  # fmt: skip


def simulate(folder: Path, megabases: float, loci_per_megabase: int, depth: int, seed: int) -> None:
    """Write a reference, ClinVar, one person's variants and sorted reads of both haplotypes."""
    random = np.random.default_rng(seed)
    length = int(megabases * 1e6)
    genome = random.integers(0, 4, length, dtype=np.uint8)
    (folder / "reference.fa").write_bytes(b">chr1\n" + BASES[genome].tobytes() + b"\n")
    pysam.faidx(str(folder / "reference.fa"))
    count = int(megabases * loci_per_megabase)
    sites = np.sort(random.choice(np.arange(1000, length - 1000), 2 * count, replace=False))
    alternates = (genome[sites] + random.integers(1, 4, len(sites), dtype=np.uint8)) % 4
    # Half of all sites are ClinVar's; the person carries 5% of them and as many of the others.
    known = np.zeros(len(sites), dtype=bool)
    known[random.permutation(len(sites))[:count]] = True
    carried = np.where(known, random.random(len(sites)) < 0.05, True)
    lines = [
        f"chr1\t{site + 1}\t{{}}\t{'ACGT'[genome[site]]}\t{'ACGT'[alternate]}\t.\tPASS\t"
        for site, alternate in zip(sites, alternates, strict=True)
    ]
    write_variants(
        folder / "clinvar.vcf.gz",
        length,
        "",
        [
            f"{line.format(number)}RS={number};MC=SO:0001583|missense_variant"
            for number, line in enumerate(lines)
            if known[number]
        ],
    )
    write_variants(
        folder / "person.vcf.gz",
        length,
        "\tFORMAT\tperson",
        [f"{line.format('.')}.\tGT\t0/1" for number, line in enumerate(lines) if carried[number]],
    )
    haplotypes = np.stack([genome, genome])
    haplotypes[1, sites[carried]] = alternates[carried]
    write_reads(folder / "reads.bam", haplotypes, depth, random)


def write_variants(path: Path, length: int, samples: str, lines: list[str]) -> None:
    header = [
        "##fileformat=VCFv4.2",
        f"##contig=<ID=chr1,length={length}>",
        '##INFO=<ID=RS,Number=.,Type=String,Description="dbSNP">',
        '##INFO=<ID=MC,Number=.,Type=String,Description="Consequence">',
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
        f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO{samples}",
    ]
    plain = path.with_suffix("")
    plain.write_text("\n".join([*header, *lines]) + "\n")
    pysam.tabix_index(str(plain), preset="vcf", force=True)


def write_reads(
    path: Path, haplotypes: np.ndarray, depth: int, random: np.random.Generator
) -> None:
    """Write the BAM as arrays of bytes: one call per read would take minutes."""
    length = haplotypes.shape[1]
    starts = np.sort(random.integers(0, length - READ, length * depth // READ))
    text = f"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chr1\tLN:{length}\n@RG\tID:1\tSM:person\n"
    header = b"BAM\1" + np.int32(len(text)).tobytes() + text.encode()
    header += np.int32(1).tobytes() + np.int32(5).tobytes() + b"chr1\0" + np.int32(length).tobytes()
    with pysam.BGZFile(str(path), "wb") as file:
        file.write(header)
        for first in range(0, len(starts), 200_000):
            part = starts[first : first + 200_000]
            records = np.zeros(len(part), dtype=RECORD)
            records["size"] = RECORD.itemsize - 4
            records["position"] = part
            records["name_length"] = NAME
            records["mapping_quality"] = 60
            records["bin"] = 4681 + (part >> 14)
            records["operations"] = 1
            records["flag"] = np.where(random.random(len(part)) < 0.5, 16, 0)
            records["length"] = READ
            records["mate_contig"] = records["mate_position"] = -1
            records["name"] = [f"r{first + number:08d}" for number in range(len(part))]
            records["cigar"] = READ << 4
            side = random.integers(0, 2, len(part))
            bases = CODES[haplotypes[side[:, None], part[:, None] + np.arange(READ)]]
            records["bases"] = bases[:, ::2] << 4 | bases[:, 1::2]
            records["qualities"] = 37
            file.write(records.tobytes())
    pysam.samtools.index(str(path))


def per_locus_loop(folder: Path) -> float:
    """Time the loop of baseline (a)."""
    begun = time.perf_counter()
    with pysam.VariantFile(str(folder / "person.vcf.gz")) as file:
        variants = list(file)
    found = 0
    with (
        pysam.VariantFile(str(folder / "clinvar.vcf.gz")) as clinvar,
        pysam.AlignmentFile(str(folder / "reads.bam")) as reads,
    ):
        for record in clinvar:
            carried = [variant for variant in variants if variant.pos == record.pos]
            for read in reads.fetch(record.chrom, record.pos - 1, record.pos):
                if read.query_length == READ and read.mapping_quality >= 20:
                    found += bool(carried)
                    break
    return time.perf_counter() - begun


def samtools_view(folder: Path) -> float:
    """Time baseline (b) in a process of its own."""
    with pysam.VariantFile(str(folder / "clinvar.vcf.gz")) as clinvar:
        bed = "".join(f"{each.chrom}\t{each.pos - 1}\t{each.pos}\n" for each in clinvar)
    (folder / "loci.bed").write_text(bed)
    code = "import sys, pysam.samtools as s; s.view(*sys.argv[1:], catch_stdout=False)"
    arguments = ("-M", "-L", "loci.bed", "-u", "-o", "view.bam", "reads.bam")
    return measure([sys.executable, "-c", code, *arguments], folder)[0]


def evoflow_extract(folder: Path, processes: int) -> tuple[float, float]:
    """Time and memory of the command."""
    settings = {
        "reference": str(folder / "reference.fa"),
        "clinvar": str(folder / "clinvar.vcf.gz"),
        "individuals": [
            {
                "sample": "person",
                "reads": str(folder / "reads.bam"),
                "variants": str(folder / "person.vcf.gz"),
            }
        ],
        "reference_loci": "all",
    }
    (folder / "data.yaml").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "evoflow", "extract", "data.yaml", "--output", "out.jsonl"]
    return measure([*command, "--processes", str(processes)], folder)


def measure(command: list[str], folder: Path) -> tuple[float, float]:
    """Wall time in seconds and peak memory in MB of a command and its children."""
    begun = time.perf_counter()
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": str(root)}
    )
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command} failed")
    return time.perf_counter() - begun, used.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabases", type=float, default=2)
    parser.add_argument("--loci-per-megabase", type=int, default=1000)
    parser.add_argument("--depth", type=int, default=30)
    parser.add_argument("--processes", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="keep the simulated files here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "reads.bam.bai").exists():
            # In a process of its own: what is started later would inherit its peak of memory.
            wanted = (given.megabases, given.loci_per_megabase, given.depth, given.seed)
            maker = get_context("spawn").Process(target=simulate, args=(folder, *wanted))
            maker.start()
            maker.join()
        runs = []
        for _ in range(given.repeats):
            seconds, megabytes = evoflow_extract(folder, given.processes)
            runs.append((seconds, megabytes, per_locus_loop(folder), samtools_view(folder)))
    ours, memory, loop, view = np.median(runs, axis=0)
    print(f"{given.megabases:g} Mb at {given.depth}x, median of {given.repeats} paired runs")
    print(f"evoflow extract   {ours:7.2f} s   {memory:.0f} MB at most")
    print(f"per-locus loop    {loop:7.2f} s   {loop / ours:.1f} times as long")
    print(f"samtools view -ML {view:7.2f} s   {ours / view:.1f} times as fast")


if __name__ == "__main__":
    main()
