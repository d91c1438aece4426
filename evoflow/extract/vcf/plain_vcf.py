"""A contig's records of a VCF or BCF, as a VCF that bcftools can normalise whatever the file holds.

bcftools refuses to split or rename records with contigs or fields that a header forgot to define,
which callers do write; so our header defines all that ours holds.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pysam
import pysam.bcftools

from evoflow.files.htslib import run
from evoflow.remote import local_files

_SHIFT = 1_000
"""Bases behind a region that are read too: left-aligning may move a record into the region."""

_REACH = 10_000
"""Bases on both sides of a region whose calls are read too, as reads over the region show them."""

_BASES = re.compile(rb"[ACGTNacgtn]+")
_ALTS = re.compile(rb"[ACGTNacgtn]+(?:,[ACGTNacgtn]+)*")


@dataclass(frozen=True)
class Source:
    """One contig of a VCF or BCF.

    Attributes
    ----------
    path
        The file.
    spellings
        The contig's names in it: more than one where its records differ.
    contig
        The contig's name in the reference.
    regions
        0-based, half-open intervals to stay within: sorted, apart from each other, one at least.
    """

    path: str
    spellings: tuple[str, ...]
    contig: str
    regions: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class PlainVcf:
    """A contig as a VCF that has nothing but what is needed, and what was left out of it.

    Attributes
    ----------
    path
        The VCF, not compressed.
    inside
        How many records of the file begin within the regions.
    not_bases
        How many of these were left out because REF has other letters than A, C, G, T and N.
    """

    path: Path
    inside: int
    not_bases: int


def take(
    source: Source,
    folder: Path,
    columns: str,
    fields: Mapping[str, str],
    *,
    sample: str | None = None,
    change: Callable[[list[bytes]], None] = lambda _: None,
    gather: Callable[[Iterable[list[bytes]]], None] = lambda _: None,
) -> PlainVcf:
    """Write a contig as a VCF.

    Parameters
    ----------
    source
        The contig.
    folder
        Where to.
    columns
        INFO, and FORMAT and genotype where there are any, in bcftools' form. What `change` takes
        off may follow.
    fields
        The INFO fields in it, and how many values each has, in VCF's terms.
    sample
        The sample whose genotypes are taken, as the file spells it.
    change
        Changes the columns of each record.
    gather
        Sees all records before one is changed.
    """
    regions, body = folder / "regions.bed", folder / "body"
    before, behind = (_REACH, _REACH) if sample else (0, _SHIFT)
    intervals = [(max(0, start - before), end + behind) for start, end in source.regions]
    with regions.open("w", encoding="utf-8", errors="surrogateescape") as file:
        for spelling in source.spellings:
            local_files.provide_contig(source.path, spelling, intervals)
            file.writelines(f"{spelling}\t{start}\t{end}\n" for start, end in intervals)
    names = folder / "sample"  # in a file, for an option would split it at its commas
    names.write_text(f"{sample}\n", encoding="utf-8", errors="surrogateescape")
    run(
        pysam.bcftools.query,
        *("--regions-file", str(regions)),
        *(("--samples-file", str(names)) if sample else ()),
        *("--format", f"%CHROM\t%POS\t%ID\t%REF\t%ALT\t.\t%FILTER\t{columns}"),
        *("--output", str(body), source.path),
        about=source.path,
    )
    with body.open("rb") as lines:
        gather(line.rstrip(b"\n").split(b"\t") for line in lines)
        lines.seek(0)
        records = (line.rstrip(b"\n").split(b"\t") for line in lines)
        return write_plain(source, records, folder, fields, genotyped=bool(sample), change=change)


def write_plain(
    source: Source,
    records: Iterable[list[bytes]],
    folder: Path,
    fields: Mapping[str, str],
    *,
    genotyped: bool = False,
    change: Callable[[list[bytes]], None] = lambda _: None,
) -> PlainVcf:
    """Write records, given by their columns, as a VCF.

    What is no sequence of bases in ALT becomes `*`, which no step takes for one or moves.
    """
    header = ["##fileformat=VCFv4.2", f"##contig=<ID={source.contig}>"]
    header += [
        f'##INFO=<ID={name},Number={number},Type=String,Description="">'
        for name, number in fields.items()
    ]
    header += ['##FORMAT=<ID=GT,Number=1,Type=String,Description="">']
    names = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]
    names += ["FORMAT", "sample"] if genotyped else []
    contig = source.contig.encode(errors="surrogateescape")
    begin = not_bases = 0
    path = folder / "plain.vcf"
    with path.open("wb") as plain:
        text = "\n".join([*header, "\t".join(names)]) + "\n"
        plain.write(text.encode(errors="surrogateescape"))
        for record in records:
            within = is_inside(int(record[1]), source)
            begin += within
            if not _BASES.fullmatch(record[3]):
                not_bases += within
                continue
            change(record)
            record[0] = contig
            record[6] = b"."
            if not _ALTS.fullmatch(record[4]):
                alts = record[4].split(b",")
                record[4] = b",".join(alt if _BASES.fullmatch(alt) else b"*" for alt in alts)
            plain.write(b"\t".join(record) + b"\n")
    return PlainVcf(path, begin, not_bases)


def is_inside(position: int, source: Source) -> bool:
    """Whether a 1-based position is within the regions."""
    before = bisect_left(source.regions, (position,))
    return before > 0 and position <= source.regions[before - 1][1]
