"""The alleles of a VCF, each written into the reference in place of a read."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pysam
import pysam.bcftools

from evoflow.errors import InputError
from evoflow.extract import variants
from evoflow.extract.normalise import KEY, Source, write_clinvar
from evoflow.extract.written_alleles import write_allele
from evoflow.htslib import quiet, run
from evoflow.inputs import inventory, readable

COLUMNS = [
    "contig", *KEY, "variant_id", "sequence", "reference_sequence", "variant_offset",
]  # fmt: skip

_LETTERS = set("ACGTN")


def write_alleles(path: Path, reference: str, length: int) -> tuple[pd.DataFrame, int]:
    """Write every allele of a VCF into the reference.

    Parameters
    ----------
    path
        VCF or BCF, plain or bgzipped, with or without an index, sorted or not.
    reference
        FASTA with its index.
    length
        Bases of the sequences.

    Returns
    -------
    alleles : DataFrame
        `COLUMNS`: normalised alleles in the reference's order, each once. `variant_id` is that of
        the VCF.
    dropped
        Records whose REF differs from the reference, and alleles beside a letter that is no base
        (N is one), or for which there is no room.

    Raises
    ------
    InputError
        When a file is not readable, or the VCF has no contig of the reference.
    """
    readable.check_reference(reference)
    readable.check_file(str(path))
    rows: list[tuple[object, ...]] = []
    dropped = 0
    with TemporaryDirectory(prefix="evoflow-") as name, pysam.FastaFile(reference) as genome:
        folder = Path(name)
        for source in _sources(_indexed(path, folder), reference, path):
            listed = write_clinvar(source, reference, folder)
            dropped += listed.mismatches
            for allele in _alleles(listed.table, source):
                written = write_allele(genome, source.contig, *allele[:3], length=length)
                if written is None or set(written[0] + written[1]) - _LETTERS:
                    dropped += 1
                else:
                    rows.append((source.contig, *allele, *written))
    return pd.DataFrame(rows, columns=COLUMNS), dropped


def _indexed(path: Path, folder: Path) -> str:
    """Copy what is needed of a VCF: sorted, indexed, with a header that names every contig."""
    body, plain, copy = folder / "body", folder / "plain.vcf", str(folder / "variants.bcf")
    columns = "%CHROM\t%POS\t%ID\t%REF\t%ALT\t.\t.\t.\n"
    run(
        pysam.bcftools.query, "--format", columns, "--output", str(body), str(path), about=str(path)
    )
    with body.open() as records:
        contigs = dict.fromkeys(record.split("\t", 1)[0] for record in records)
    header = ["##fileformat=VCFv4.2", *(f"##contig=<ID={contig}>" for contig in contigs)]
    with plain.open("w") as written, body.open() as records:
        written.write("\n".join([*header, "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"]))
        shutil.copyfileobj(records, written)
    run(pysam.bcftools.sort, "-Ob", "-o", copy, "--write-index", str(plain), about=str(path))
    return copy


def _sources(copy: str, reference: str, path: Path) -> list[Source]:
    held, genome = inventory.held_by_variants(copy), inventory.held_by_reference(reference)
    shared = [name for name in genome.names if name in held.records]
    if not shared:
        raise InputError(
            f"{path}: none of its contigs ({', '.join(held.names[n] for n in held.records)}) is in "
            f"{reference} (it has {', '.join(list(genome.names.values())[:6])}); give the "
            "reference that its positions refer to"
        )
    return [
        Source(copy, held.names[name], genome.names[name], ((0, genome.lengths[name]),))
        for name in shared
    ]


def _alleles(table: Path, source: Source) -> Iterator[tuple[int, str, str, str]]:
    with quiet():
        for chunk in variants.read_clinvar(table, source):
            columns = chunk.drop_duplicates(KEY)[[*KEY, "clinvar_id"]]
            yield from columns.itertuples(index=False, name=None)
