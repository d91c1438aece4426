"""The alleles of a VCF, each written into the reference in place of a read."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pysam
import pysam.bcftools

from evoflow.errors import InputError
from evoflow.extract.vcf.normalise import KEY, Written, write_table
from evoflow.extract.vcf.plain_vcf import Source, write_plain
from evoflow.extract.vcf.variants import inside_regions, read_table
from evoflow.extract.written_alleles import write_allele
from evoflow.files.htslib import Fasta, run
from evoflow.inputs import agreement, inventory, readable, refusals
from evoflow.inputs.contigs import Genome
from evoflow.inputs.inventory import Held
from evoflow.remote import local_files

COLUMNS = [
    "contig", *KEY, "variant_id", "sequence", "reference_sequence", "variant_offset",
]  # fmt: skip

_LISTED = ["record", "alternate", "contig", *KEY]
_LETTERS = set("ACGTN")

NOWHERE = {b".", b""}
"""CHROM of a record on no contig: no header can define it, and bcftools cannot sort it."""


@dataclass(frozen=True)
class WrittenAlleles:
    """A VCF's alleles.

    Attributes
    ----------
    alleles
        `COLUMNS`: normalised alleles in the reference's order, each once. `variant_id` is that of
        the VCF.
    listed
        Columns `record` and `alternate` (0-based: the VCF's records, and their ALT alleles),
        `contig` and `KEY`: what each ALT allele that is in `alleles` is there.
    left_out
        How many ALT alleles are not in `listed`, by reason; a record without one counts once.
    """

    alleles: pd.DataFrame
    listed: pd.DataFrame
    left_out: Counter[str]


def write_alleles(path: str, reference: str, length: int) -> WrittenAlleles:
    """Write every allele of a VCF into the reference.

    Parameters
    ----------
    path
        VCF or BCF, plain or compressed, with or without an index, sorted or not.
    reference
        FASTA with its index.
    length
        Bases of the sequences.

    Raises
    ------
    InputError
        When a file is not readable, or the VCF is not of the reference's genome.
    """
    readable.check_reference(reference)
    readable.check_file(path)
    genome = inventory.read_genome(reference)
    left_out: Counter[str] = Counter()
    with TemporaryDirectory(prefix="evoflow-") as name:
        folder = Path(name)
        by_contig = _by_contig(read_records(path, folder), path, genome, folder, left_out)
        local_files.provide_reference(reference, by_contig)
        tables, compared = {}, {}
        for contig in by_contig:
            source = Source(path, (), contig, ((0, genome.lengths[contig]),))
            tables[contig], compared[contig] = _table(
                source, by_contig[contig], reference, folder, left_out
            )
        for contig in agreement.contigs_of_other_bases(reference, path, compared):
            left_out["REF is not what the reference has on its contig"] += len(tables.pop(contig))
        with Fasta(reference) as fasta:
            written = [_write(tables[name], name, fasta, length, left_out) for name in tables]
    alleles = [each for each, _ in written] or [pd.DataFrame(columns=COLUMNS)]
    listed = [each for _, each in written] or [pd.DataFrame(columns=_LISTED)]
    return WrittenAlleles(
        pd.concat(alleles, ignore_index=True), pd.concat(listed, ignore_index=True), +left_out
    )


def read_records(path: str, folder: Path) -> Path:
    """Write a VCF or BCF, compressed in whatever way, as plain text.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    plain = folder / "records.vcf"
    run(pysam.bcftools.view, "--no-version", "-Ov", "-o", str(plain), path, about=path)
    return plain


def _by_contig(
    plain: Path, path: str, genome: Genome, folder: Path, left_out: Counter[str]
) -> dict[str, Path]:
    """Divide the records by contig: POS, ID, REF, ALT and the record's number."""
    lengths = inventory.lengths_in_header(str(plain))
    counts: Counter[str] = Counter()
    files: dict[str, Path] = {}
    number = 0
    with plain.open("rb") as lines:
        for contig, block in _blocks(lines):
            name = contig.decode(errors="surrogateescape")
            counts[name] += len(block)
            found = genome.find(name, lengths.get(name, 0))
            if found is None:
                alternates = sum(columns[4].count(b",") + 1 for columns in block)
                why = f"the reference has no contig {name}"
                left_out["CHROM names no contig" if contig in NOWHERE else why] += alternates
            else:
                files.setdefault(found, folder / f"contig-{len(files)}")
                with files[found].open("ab") as file:
                    for at, columns in enumerate(block, number):
                        file.write(b"\t".join([*columns[1:5], str(at).encode()]) + b"\n")
            number += len(block)
    held = inventory.held_of(genome, lengths, counts)
    if counts and not files:
        raise InputError(
            f"{path}: none of its contigs ({refusals.listed(held)}) is in the reference (it has "
            f"{refusals.shortened(genome.lengths)}); give the reference that its positions refer to"
        )
    _leave_out_other_lengths(path, genome, held, files, left_out)
    return {contig: files[contig] for contig in genome.lengths if contig in files}


def _blocks(lines: Iterator[bytes]) -> Iterator[tuple[bytes, list[list[bytes]]]]:
    """Yield runs of records of one contig, of bounded size."""
    contig, block = b"", list[list[bytes]]()
    for line in lines:
        if line.startswith(b"#"):
            continue
        columns = line.rstrip(b"\r\n").split(b"\t", 5)
        if block and (columns[0] != contig or len(block) == 10_000):
            yield contig, block
            block = []
        contig = columns[0]
        block.append(columns)
    if block:
        yield contig, block


def _leave_out_other_lengths(
    path: str, genome: Genome, held: Held, files: dict[str, Path], left_out: Counter[str]
) -> None:
    wrong = agreement.contigs_of_another_length("the reference", genome, path, held, list(files))
    for contig in wrong:
        with files.pop(contig).open("rb") as lines:
            alternates = sum(line.split(b"\t")[3].count(b",") + 1 for line in lines)
        left_out["its contig has another length than in the reference"] += alternates


def _table(
    source: Source, records: Path, reference: str, folder: Path, left_out: Counter[str]
) -> tuple[pd.DataFrame, Written]:
    """Normalise a contig's alleles: `KEY`, `variant_id`, `record` and `alternate`."""
    names: dict[str, str] = {}
    alternates = 0

    def plain() -> Iterator[list[bytes]]:
        nonlocal alternates
        with records.open("rb") as lines:
            for line in lines:
                position, name, ref, alt, number = line.rstrip(b"\n").split(b"\t")
                count = alt.count(b",") + 1
                alternates += count
                if name != b".":
                    names[number.decode()] = name.decode(errors="backslashreplace")
                info = b"A=" + b",".join(str(each).encode() for each in range(count))
                yield [b"", position, number, ref, alt, b".", b".", info]

    taken = write_plain(source, plain(), folder, {"A": "A"})
    written = write_table(taken, reference, source, "%POS\t%REF\t%ALT\t%ID\t%INFO/A\n")
    parts = [pd.DataFrame(columns=[*KEY, "record", "alternate"])]
    with suppress(pd.errors.EmptyDataError):
        parts = list(read_table(written.table, [*KEY, "record", "alternate"]))
    table = pd.concat(parts, ignore_index=True)
    # bcftools passes some records at POS 0, or too far to the right for its numbers of 32 bits.
    table = table[inside_regions(table, source)]
    table = table.assign(variant_id=[names.get(number, ".") for number in table["record"]])
    left_out["REF is not A, C, G, T or N"] += written.not_bases
    left_out["REF differs from the reference"] += alternates - written.not_bases - len(table)
    same = table["alt"] == table["ref"]
    letters = table["alt"].str.fullmatch("[ACGTN]+").astype(bool)
    left_out["ALT equals REF"] += int(same.sum())
    left_out["ALT is not a sequence of bases"] += int((~letters).sum())
    return table[letters & ~same].sort_values([*KEY, "record"]), written


def _write(
    table: pd.DataFrame, contig: str, genome: pysam.FastaFile, length: int, left_out: Counter[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write a contig's alleles into the reference; each once, though it may be listed twice."""
    kept: list[tuple[object, ...]] = []
    reasons: dict[tuple[object, ...], str] = {}
    for position, ref, alt, name in table.drop_duplicates(KEY)[[*KEY, "variant_id"]].itertuples(
        index=False, name=None
    ):
        made = write_allele(genome, contig, position, ref, alt, length=length)
        if made is None:
            reasons[position, ref, alt] = "longer than read_length, or at the contig's end"
        elif set(made[0] + made[1]) - _LETTERS:
            reasons[position, ref, alt] = "beside letters other than A, C, G, T and N"
        else:
            kept.append((contig, position, ref, alt, name, *made))
    alleles = pd.DataFrame(kept, columns=COLUMNS)
    why = pd.Series(
        [reasons.get(key, "") for key in table[KEY].itertuples(index=False, name=None)],
        index=table.index,
        dtype="str",
    )
    left_out.update(Counter(why[why != ""]))
    listed = (
        table[why == ""].assign(contig=contig).astype({"record": "int64", "alternate": "int64"})
    )
    return alleles, listed[_LISTED]


def in_words(left_out: Mapping[str, int]) -> str:
    """Say how many were left out, and why."""
    return "; ".join(f"{reason}: {number:,}" for reason, number in sorted(left_out.items()))
