"""Small random worlds: a genome, ClinVar, one person's variants and reads, as files."""

from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from random import Random

import pysam
import pysam.samtools

from evoflow.settings import DataSettings, Individual

SAMPLE = "person"
TERMS = (
    "SO:0001583|missense_variant",
    "SO:0001627|intron_variant",
    "SO:0001587|nonsense",
    "SO:0001619|non-coding_transcript_variant",
    "SO:0001819|synonymous_variant",
)


@dataclass(frozen=True)
class Record:
    """A VCF record; `rs`, `mc` and `genotype` as the files spell them."""

    position: int
    ref: str
    alts: tuple[str, ...]
    name: str = "."
    rs: str | None = None
    mc: str | None = None
    genotype: str = "0/1"


@dataclass
class World:
    """What the files hold."""

    genome: str
    clinvar: list[Record] = field(default_factory=list)
    called: list[Record] = field(default_factory=list)
    reads: list[pysam.AlignedSegment] = field(default_factory=list)

    def write(self, folder: Path, **settings) -> DataSettings:
        """Write all files; ClinVar spells the contig without `chr`."""
        (folder / "genome.fa").write_text(f">chr1\n{self.genome}\n")
        pysam.faidx(str(folder / "genome.fa"))
        write_vcf(folder / "clinvar.vcf", "1", len(self.genome), self.clinvar)
        write_vcf(folder / "person.vcf", "chr1", len(self.genome), self.called, SAMPLE)
        write_reads(folder / "reads.bam", self.reads, len(self.genome))
        return DataSettings(
            reference=str(folder / "genome.fa"),
            clinvar=str(folder / "clinvar.vcf.gz"),
            individuals=(
                Individual(
                    sample=SAMPLE,
                    reads=str(folder / "reads.bam"),
                    variants=str(folder / "person.vcf.gz"),
                ),
            ),
            **settings,
        )


def write_vcf(path: Path, contig: str, length: int, records: list[Record], sample="") -> None:
    lines = [
        "##fileformat=VCFv4.2",
        f"##contig=<ID={contig},length={length}>",
        '##INFO=<ID=RS,Number=.,Type=String,Description="dbSNP">',
        '##INFO=<ID=MC,Number=.,Type=String,Description="Consequence">',
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO" + (f"\tFORMAT\t{sample}" if sample else ""),
    ]
    for record in sorted(records, key=lambda each: each.position):
        values = (("RS", record.rs), ("MC", record.mc))
        info = ";".join(f"{tag}={value}" for tag, value in values if value) or "."
        columns = [contig, str(record.position), record.name, record.ref, ",".join(record.alts)]
        columns += [".", ".", info] + (["GT", record.genotype] if sample else [])
        lines.append("\t".join(columns))
    path.write_text("\n".join(lines) + "\n")
    pysam.tabix_index(str(path), preset="vcf", force=True)


def header(length: int) -> pysam.AlignmentHeader:
    return pysam.AlignmentHeader.from_dict(
        {
            "HD": {"VN": "1.6", "SO": "coordinate"},
            "SQ": [{"SN": "chr1", "LN": length}],
            "RG": [{"ID": "1", "SM": SAMPLE}],
        }
    )


def write_reads(path: Path, reads: list[pysam.AlignedSegment], length: int) -> None:
    with pysam.AlignmentFile(str(path), "wb", header=header(length)) as file:
        for read in sorted(reads, key=lambda each: each.reference_start):
            file.write(read)
    pysam.samtools.index(str(path))


def make_read(
    length: int, name: str, start: int, bases: str, cigar: str, *, flag=0, quality=60
) -> pysam.AlignedSegment:
    """Make one alignment; `start` is 0-based."""
    read = pysam.AlignedSegment(header(length))
    read.query_name = name
    read.flag = flag
    read.reference_id = 0
    read.reference_start = start
    read.mapping_quality = quality
    read.query_sequence = bases
    read.cigarstring = cigar
    return read


def random_world(seed: int) -> World:
    """Draw a world full of repeats, adjacent variants and odd reads."""
    random = Random(seed)
    unit = "".join(random.choices("ACGT", k=random.randint(2, 5)))
    genome = "".join(random.choices("ACGT", k=40))
    while len(genome) < 400:
        genome += random.choice(["".join(random.choices("ACG", k=15)), unit * random.randint(1, 5)])
    world = World(genome)
    pool = [_random_record(random, genome) for _ in range(25)]
    world.clinvar = [
        Record(
            record.position,
            record.ref,
            record.alts[:1],
            name=str(number),
            rs=random.choice([None, "7", "7,8", "9"]),
            mc=random.choice([None, ",".join(random.sample(TERMS, 2)), TERMS[0]]),
        )
        for number, record in enumerate(pool)
        if random.random() < 0.8
    ]
    world.called = [record for record in pool if random.random() < 0.7]
    haplotypes = [_haplotype(random, world), _haplotype(random, world)]
    for number in range(120):
        for mate in random.choice([(0,), (0x41, 0x81)]):
            read = _random_read(random, world, random.choice(haplotypes), f"read{number}", mate)
            if read is not None:
                world.reads.append(read)
    return world


def _random_record(random: Random, genome: str) -> Record:
    start = random.randrange(40, len(genome) - 10)
    ref = genome[start : start + random.choice([1, 1, 1, 2, 3, 5])]
    alts: list[str] = []
    while len(alts) < random.choice([1, 1, 1, 2]):
        insert = "".join(random.choices("ACGT", k=random.randint(1, 4)))
        alt = random.choice(
            [insert, ref[0] + insert, ref[0], ref + genome[start : start + 2], insert[: len(ref)]]
        )
        if alt != ref and alt not in alts:
            alts.append(alt)
    genotype = random.choice(
        ["0/1", "1/1", "0|1", "1|0", "0/0", "./.", "./1", "1", "0/0/1", f"0/{len(alts)}"]
    )
    if random.random() < 0.1:
        alts.append(random.choice(["*", "<DEL>"]))
    return Record(start + 1, ref, tuple(alts), genotype=genotype)


Column = tuple[str, str, int]
"""CIGAR operation, base of the read (empty in a deletion), reference position."""


def _haplotype(random: Random, world: World) -> list[Column]:
    """Apply some of the variants, as the file places them."""
    columns: list[Column] = []
    position = 0
    for record in sorted(world.called, key=lambda each: each.position):
        start, alt = record.position - 1, random.choice(record.alts)
        if start < position or not alt.isalpha() or random.random() < 0.3:
            continue
        columns += [("M", world.genome[at], at) for at in range(position, start)]
        shared = min(len(record.ref), len(alt))
        columns += [("M", alt[at], start + at) for at in range(shared)]
        columns += [("I", base, start + shared) for base in alt[shared:]]
        columns += [("D", "", start + at) for at in range(shared, len(record.ref))]
        position = start + len(record.ref)
    return columns + [("M", world.genome[at], at) for at in range(position, len(world.genome))]


def _random_read(
    random: Random, world: World, haplotype: list[Column], name: str, mate: int
) -> pysam.AlignedSegment | None:
    first = random.randrange(len(haplotype) - 80)
    columns = haplotype[first : first + random.randint(20, 70)]
    columns = [
        (kind, random.choice("ACGTN") if base and random.random() < 0.01 else base, at)
        for kind, base, at in columns
    ]
    if random.random() < 0.1:
        begin, kind_of_gap = random.randrange(len(columns) - 6), random.choice("DN")
        for at in range(begin, begin + 5):
            columns[at] = (kind_of_gap, "", columns[at][2])
    if random.random() < 0.3:
        clipped = random.randint(1, 12)
        ends = (range(clipped), range(len(columns) - clipped, len(columns)))
        for at in random.choice(ends):
            columns[at] = ("S", columns[at][1], columns[at][2])
    columns = [each for each in columns if each[0] != "S" or each[1]]
    mapped = [at for at, each in enumerate(columns) if each[0] == "M"]
    if not mapped:
        return None
    # Between clips a read begins and ends with aligned bases.
    columns = [
        each for at, each in enumerate(columns) if each[0] == "S" or mapped[0] <= at <= mapped[-1]
    ]
    cigar = "".join(f"{len(list(run))}{kind}" for kind, run in groupby(each[0] for each in columns))
    flag = mate | random.choice([0, 0x10])
    if random.random() < 0.15:
        flag |= random.choice([0x100, 0x200, 0x400, 0x800])
    read = make_read(
        len(world.genome),
        name,
        next(each[2] for each in columns if each[0] == "M"),
        "".join(each[1] for each in columns),
        cigar,
        flag=flag,
        quality=random.choice([60, 60, 60, 20, 19, 0]),
    )
    read.query_qualities = random.choices([37, 10, 9], [30, 1, 1], k=read.query_length)
    return read
