"""A file of which only the named bytes are there answers like the whole file."""

import gzip
from functools import partial
from pathlib import Path
from random import Random

import pysam
import pysam.bcftools
import pysam.samtools
import pytest

from evoflow.errors import InputError
from evoflow.remote import byte_ranges
from evoflow.remote.byte_ranges import contigs_of_fasta, read_fai, read_gzi, read_index

LENGTHS = {"one": 400_000, "empty": 1_000, "two": 300_000}
REGION = "two", 120_000, 121_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A genome, reads every 20 bases and a variant every 10, in all formats."""
    folder = tmp_path_factory.mktemp("indexed")
    random = Random(1)
    genome = {name: "".join(random.choices("ACGT", k=size)) for name, size in LENGTHS.items()}
    fasta = folder / "genome.fa"
    lines = (
        f">{name}\n" + "\n".join(bases[at : at + 70] for at in range(0, len(bases), 70))
        for name, bases in genome.items()
    )
    fasta.write_text("\n".join(lines) + "\n")
    pysam.faidx(str(fasta))
    pysam.tabix_compress(str(fasta), f"{fasta}.gz")
    pysam.faidx(f"{fasta}.gz")
    write_reads(folder, genome, random)
    write_variants(folder, genome, random)
    return folder


def write_reads(folder: Path, genome: dict[str, str], random: Random) -> None:
    header = pysam.AlignmentHeader.from_references(list(LENGTHS), list(LENGTHS.values()))
    # Longer than what compression looks back over.
    qualities = pysam.qualitystring_to_array("".join(random.choices("ABCDEFGH", k=100_000)))
    with pysam.AlignmentFile(str(folder / "reads.bam"), "wb", header=header) as reads:
        for name in ("one", "two"):
            for start in range(0, LENGTHS[name] - 150, 20):
                read = pysam.AlignedSegment(header)
                read.query_name = f"{name}{start}"
                read.query_sequence = genome[name][start : start + 150]
                at = random.randrange(len(qualities) - 150)
                read.query_qualities = qualities[at : at + 150]
                read.flag, read.mapping_quality, read.cigarstring = 0, 60, "150M"
                read.reference_name, read.reference_start = name, start
                reads.write(read)
    bam, cram = str(folder / "reads.bam"), str(folder / "reads.cram")
    pysam.samtools.index(bam)
    pysam.samtools.index("-c", bam, f"{bam}.csi")
    reference = f"{folder}/genome.fa"
    pysam.samtools.view("-C", "-T", reference, "-o", cram, bam, catch_stdout=False)
    pysam.samtools.index(cram)


def write_variants(folder: Path, genome: dict[str, str], random: Random) -> None:
    lines = ["##fileformat=VCFv4.2"]
    lines += [f"##contig=<ID={name},length={length}>" for name, length in LENGTHS.items()]
    lines += ['##INFO=<ID=X,Number=1,Type=String,Description="">']
    lines += ["#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]
    for name in ("one", "two"):
        for start in range(0, LENGTHS[name] - 10, 10):
            info = "".join(random.choices("ACGT", k=30))
            lines.append(f"{name}\t{start + 1}\t.\t{genome[name][start]}\t<X>\t.\t.\tX={info}")
    plain = folder / "variants.vcf"
    plain.write_text("\n".join(lines) + "\n")
    packed, binary = str(folder / "variants.vcf.gz"), str(folder / "variants.bcf")
    pysam.bcftools.view("-Oz", "-o", packed, str(plain), catch_stdout=False)
    pysam.bcftools.view("-Ob", "-o", binary, str(plain), catch_stdout=False)
    pysam.bcftools.index("-t", packed)
    pysam.bcftools.index("-c", packed)
    pysam.bcftools.index("-c", binary)


def thin(path: Path, index: Path, ranges: list[tuple[int, int]], to: Path) -> Path:
    """Copy an indexed file, with zeros in place of all other bytes."""
    content = path.read_bytes()
    copy = bytearray(len(content))
    for start, stop in [*ranges, (len(content) - 64, len(content))]:
        copy[start:stop] = content[start:stop]
    made = to / path.name
    made.write_bytes(copy)
    (to / index.name).write_bytes(index.read_bytes())
    return made


def open_reads(path: Path, index: str, folder: Path) -> pysam.AlignmentFile:
    return pysam.AlignmentFile(
        str(path),
        index_filename=str(path.with_name(index)),
        reference_filename=f"{folder}/genome.fa",
    )


@pytest.mark.parametrize("file", ["reads.bam.bai", "reads.bam.csi", "reads.cram.crai"])
def test_reads(folder, tmp_path, file):
    index = folder / file
    path = folder / Path(file).stem
    found = read_index(index)
    ranges = found.holding(2, [REGION[1:]])
    assert sum(stop - start for start, stop in ranges) < path.stat().st_size / 2
    copy = thin(path, index, [found.head(path.stat().st_size), *ranges], tmp_path)
    whole, part = (partial(open_reads, each, file, folder) for each in (path, copy))
    names = []
    for opened in (whole, part):
        with opened() as reads:
            names.append([read.query_name for read in reads.fetch(*REGION)])
    assert names[0] == names[1]
    with pytest.raises((OSError, ValueError)), part() as reads:  # never silence
        list(reads.fetch("one", 200_000, 201_000))
    assert len(names[0]) == 57  # starts at 119,860 to 120,980
    assert found.holding(1, [(0, 1_000)]) == []
    assert found.holding(2, []) == []


@pytest.mark.parametrize("file", ["variants.vcf.gz.tbi", "variants.vcf.gz.csi", "variants.bcf.csi"])
def test_variants(folder, tmp_path, file):
    index = folder / file
    path = folder / Path(file).stem
    found = read_index(index)
    number = found.names.index("two") if found.names else 2
    ranges = found.holding(number, [REGION[1:]])
    assert sum(stop - start for start, stop in ranges) < path.stat().st_size / 2
    copy = thin(path, index, [found.head(path.stat().st_size), *ranges], tmp_path)
    part = partial(pysam.VariantFile, str(copy), index_filename=str(copy.with_name(file)))
    with part() as variants:
        positions = [record.start for record in variants.fetch(*REGION)]
    assert positions == list(range(120_000, 121_000, 10))
    with pytest.raises((OSError, ValueError)), part() as variants:  # never silence
        list(variants.fetch("one", 200_000, 201_000))


@pytest.mark.parametrize("name", ["genome.fa", "genome.fa.gz"])
def test_reference(folder, tmp_path, name):
    path, index = folder / name, folder / f"{name}.fai"
    gzi = folder / f"{name}.gzi" if name.endswith(".gz") else None
    ranges = contigs_of_fasta(index, gzi, ["two"])
    size = path.stat().st_size
    assert sum(stop - start for start, stop in ranges) < size / 2 + (1 << 16)
    copy = thin(path, index, [(0, 18), *ranges], tmp_path)
    if gzi:
        (tmp_path / gzi.name).write_bytes(gzi.read_bytes())
    bases = []
    for each in (path, copy):
        with pysam.FastaFile(str(each)) as genome:
            bases.append(genome.fetch("two"))
    assert bases[0] == bases[1]
    assert len(bases[0]) == LENGTHS["two"]
    assert contigs_of_fasta(index, gzi, ["three", "two"]) == ranges


def test_the_index_of_a_reference_is_read_once_for_all_contigs(folder, monkeypatch):
    index, gzi = folder / "genome.fa.gz.fai", folder / "genome.fa.gz.gzi"
    read = []
    for name in ("read_fai", "read_gzi"):
        function = getattr(byte_ranges, name)
        monkeypatch.setattr(
            byte_ranges, name, lambda path, read_it=function: read.append(path) or read_it(path)
        )
    assert len(contigs_of_fasta(index, gzi, LENGTHS)) == len(LENGTHS)
    assert read == [index, gzi]


@pytest.mark.parametrize("file", ["reads.bam.bai", "reads.bam.csi", "variants.vcf.gz.tbi"])
def test_an_index_is_whole_or_refused(folder, tmp_path, file):
    whole = (folder / file).read_bytes()
    whole = gzip.decompress(whole) if whole.startswith(b"\x1f\x8b") else whole
    contigs = len(whole) - 8  # behind which the unplaced reads are counted, or not
    for size in [*range(4, contigs, 97), contigs - 1, contigs, len(whole)]:
        path = tmp_path / f"{size}-{file}"
        path.write_bytes(whole[:size])
        if size < contigs:
            with pytest.raises(InputError, match="is cut off; make it again"):
                read_index(path)
        else:
            assert [len(each) > 0 for each in read_index(path).pieces][-1]


@pytest.mark.parametrize(
    "content",
    [b"one\t400000\t5\t70\t7", b"one\t400000\t5", b"one\t9\t5\t70\t71\n\n", b"one\tx\t5\t70\t71"],
)
def test_broken_index_of_a_fasta(tmp_path, content):
    path = tmp_path / "genome.fa.fai"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"genome.fa.fai: .* is cut off; .*`samtools faidx`"):
        read_fai(path)


def test_the_blocks_of_a_fasta_are_all_listed(folder, tmp_path):
    whole = (folder / "genome.fa.gz.gzi").read_bytes()
    path = tmp_path / "genome.fa.gz.gzi"
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match="is cut off"):
            read_gzi(path)
    path.write_bytes(whole)
    assert len(read_gzi(path)) == 1 + len(whole) // 16


@pytest.mark.parametrize(
    "content",
    [b"", b"no index", b"BAI\1\5", b"\x1f\x8b\0", gzip.compress(b"", mtime=0)[:10] + b"\xff" * 20],
)
def test_broken_index(tmp_path, content):
    path = tmp_path / "reads.bam.bai"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"reads.bam.bai: is not an index.*make it again"):
        read_index(path)
