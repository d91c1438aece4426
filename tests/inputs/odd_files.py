"""A world of three contigs as bytes of text files, so that each byte can be made odd."""

import gzip
import struct
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pysam
import pysam.samtools

from evoflow.extract.examples import Extraction, extract_examples
from evoflow.inputs import preflight
from evoflow.settings import DataSettings, Individual

_RANDOM = Random(1)
GENOME = {
    name: "".join(_RANDOM.choices("ACGT", k=length))
    for name, length in (("chr1", 1200), ("chrX", 1000), ("chrM", 900))
}
CLINVAR_NAMES = {"chr1": "1", "chrX": "X", "chrM": "MT"}
SITES = (400, 600)
"""1-based positions, of each contig, of the alleles that the person has and ClinVar knows."""

ALL = {(contig, position): 8 for contig in GENOME for position in SITES}
"""Rows by contig and position when nothing is lost."""

FORMAT = b'##FORMAT=<ID=GT,Number=1,Type=String,Description="">'
FIELDS = (b"RS", b"MC", b"GENEINFO")
COLUMNS = b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
HEADER = [
    b"##fileformat=VCFv4.2",
    *(f"##contig=<ID={name},length={len(bases)}>".encode() for name, bases in GENOME.items()),
    FORMAT,
]


def other(base: str, steps: int = 1) -> str:
    return "ACGT"[("ACGT".index(base) + steps) % 4]


def row(contig, position, *, of=None, ref=None, alt=None, gt=b"0/1", **fields) -> bytes:
    """Write a call; `of` is the reference's name where `contig` is another."""
    base = GENOME.get(of or contig, "A" * 5000)[position - 1]
    columns = [
        contig.encode() if isinstance(contig, str) else contig,
        str(position).encode(),
        fields.get("id", b"."),
        base.encode() if ref is None else ref,
        other(base).encode() if alt is None else alt,
        b".",
        fields.get("filter", b"."),
        fields.get("info", b"."),
        fields.get("format", b"GT"),
        gt,
    ]
    return b"\t".join(columns)


def calls(names=None) -> list[bytes]:
    """The person's calls, contigs called by the names given."""
    named = names or {name: name for name in GENOME}
    return [row(named[contig], at, of=contig) for contig in GENOME for at in SITES]


def clinvar(names=CLINVAR_NAMES) -> list[bytes]:
    info = b"RS=7;MC=SO:0001583|missense_variant;GENEINFO=G:1"
    rows = [
        row(names[contig], at, of=contig, info=info) for contig in GENOME for at in (400, 500, 600)
    ]
    return [each.rsplit(b"\t", 2)[0] for each in rows]


@dataclass
class OddWorld:
    """What the files hold."""

    fasta: bytes = b"".join(f">{name}\n{bases}\n".encode() for name, bases in GENOME.items())
    header: list[bytes] = field(default_factory=lambda: list(HEADER))
    calls: list[bytes] = field(default_factory=calls)
    clinvar: list[bytes] = field(default_factory=clinvar)
    sample: bytes = b"person"
    reads_names: dict[str, str] = field(default_factory=dict)
    reads_header: bytes = b""
    csi: bool = False
    reference_loci: int = 0
    """No read lies over them, for which all reads are looked at twice."""

    def write(self, folder: Path) -> DataSettings:
        (folder / "ref.fa").write_bytes(self.fasta)
        pysam.faidx(str(folder / "ref.fa"))
        columns = COLUMNS + b"\tFORMAT\t" + self.sample
        self._write_vcf(folder / "person.vcf", [*self.header, columns, *self.calls])
        fields = [
            f'##INFO=<ID={each},Number=.,Type=String,Description="">' for each in ("RS", "MC")
        ]
        head = [b"##fileformat=VCFv4.2", *map(str.encode, fields)]
        self._write_vcf(folder / "clinvar.vcf", [*head, COLUMNS, *self.clinvar])
        self._write_reads(folder)
        person = Individual(
            sample="person",
            reads=str(folder / "reads.bam"),
            variants=str(folder / "person.vcf.gz"),
        )
        return DataSettings(
            reference=str(folder / "ref.fa"),
            clinvar=str(folder / "clinvar.vcf.gz"),
            individuals=(person,),
            read_length=50,
            reference_loci=self.reference_loci,
        )

    def _write_vcf(self, path: Path, lines: list[bytes]) -> None:
        path.write_bytes(b"\n".join(lines) + b"\n")
        pysam.tabix_compress(str(path), f"{path}.gz", force=True)
        pysam.tabix_index(f"{path}.gz", preset="vcf", force=True, csi=self.csi)

    def _write_reads(self, folder: Path) -> None:
        """Write eight reads over each site, all of which carry both alleles."""
        text = [b"@HD\tVN:1.6\tSO:coordinate"]
        names = {name: self.reads_names.get(name, name) for name in GENOME}
        text += [f"@SQ\tSN:{names[each]}\tLN:{len(GENOME[each])}".encode() for each in GENOME]
        text += [b"@RG\tID:a\tSM:person", *([self.reads_header] if self.reads_header else [])]
        for contig, bases in GENOME.items():
            carrying = list(bases)
            for site in SITES:
                carrying[site - 1] = other(bases[site - 1])
            for start in (start for site in SITES for start in range(site - 90, site - 10, 10)):
                sequence = "".join(carrying[start : start + 100])
                columns = [f"{contig}-{start}", "0", names[contig], str(start + 1), "60", "100M"]
                columns += ["*", "0", "0", sequence, "*", "RG:Z:a"]
                text.append("\t".join(columns).encode())
        (folder / "reads.sam").write_bytes(b"\n".join(text) + b"\n")
        written = str(folder / "reads.bam")
        pysam.samtools.view(
            "-b", "--no-PG", "-o", written, str(folder / "reads.sam"), catch_stdout=False
        )
        pysam.samtools.index(written)


def as_cram(data: DataSettings, contigs: dict[str, str]) -> DataSettings:
    """Make a CRAM of the reads with a reference of its own, which is then lost."""
    (person,) = data.individuals
    folder = Path(person.reads).parent
    own = folder / "of_the_cram.fa"
    own.write_text("".join(f">{name}\n{bases}\n" for name, bases in contigs.items()))
    pysam.faidx(str(own))
    cram = str(folder / "reads.cram")
    pysam.samtools.view(
        *("-C", "--no-PG", "-T", str(own), "-o", cram, person.reads), catch_stdout=False
    )
    pysam.samtools.index(cram)
    own.unlink()
    return data.model_copy(update={"individuals": (person.model_copy(update={"reads": cram}),)})


def write_header(path: Path, *lines: bytes) -> None:
    """Write a BAM without reads whose header has these lines, then one for its only contig."""
    text = b"".join(line + b"\n" for line in (*lines, b"@SQ\tSN:1\tLN:10"))
    contigs = struct.pack("<ii2si", 1, 2, b"1\0", 10)
    with pysam.BGZFile(str(path), "wb") as file:
        file.write(b"BAM\1" + struct.pack("<i", len(text)) + text + contigs)


def without_counts(content: bytes, at: int) -> bytes:
    """Take the numbers of records out of a BAI or TBI; `at` is where its contigs begin."""
    kept = content[:at]
    for _ in range(struct.unpack_from("<i", content, 4)[0]):
        (bins,) = struct.unpack_from("<i", content, at)
        at += 4
        own = []
        for _ in range(bins):
            number, chunks = struct.unpack_from("<Ii", content, at)
            if number != 37450:
                own.append(content[at : at + 8 + 16 * chunks])
            at += 8 + 16 * chunks
        (windows,) = struct.unpack_from("<i", content, at)
        kept += struct.pack("<i", len(own)) + b"".join(own) + content[at : at + 4 + 8 * windows]
        at += 4 + 8 * windows
    return kept


def strip_counts(data: DataSettings) -> None:
    """Write all indexes as other software does, which does not count."""
    (person,) = data.individuals
    bai = Path(f"{person.reads}.bai")
    bai.write_bytes(without_counts(bai.read_bytes(), 8))
    for path in (person.variants, str(data.clinvar)):
        content = gzip.decompress(Path(f"{path}.tbi").read_bytes())
        names = struct.unpack_from("<i", content, 32)[0]
        with pysam.BGZFile(f"{path}.tbi", "wb") as file:
            file.write(without_counts(content, 36 + names))


def rows_of(data: DataSettings) -> tuple[Counter, Extraction, tuple[str, ...]]:
    """Check and extract: carrier rows by contig and position, all that came, and the warnings."""
    warnings = preflight.check(data).warnings
    extraction = extract_examples(data, processes=1)
    carriers = extraction.examples[extraction.examples["carries_alt"]]
    found = Counter(zip(carriers["contig"], carriers["position"], strict=True))
    return found, extraction, warnings
