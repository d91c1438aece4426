"""ClinVar's and an individual's alleles as tables, normalised by bcftools.

Each table is one contig: renamed as the reference spells it, split by allele, left-aligned and
trimmed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pysam
import pysam.bcftools

from evoflow.htslib import quiet, run
from evoflow.inputs.agreement import SHOWN, Differing
from evoflow.remote import local_files

KEY = ["position", "ref", "alt"]
CLINVAR_FIELDS = {"rs": "RS", "mc": "MC", "significance": "CLNSIG", "gene": "GENEINFO"}
"""Columns of ClinVar's table and the INFO fields that they come from."""

PASSED = "1"
"""What the individual's table has beside an allele whose call passed the filters."""

_SHIFT = 1_000
"""Bases behind a region that are read too: left-aligning may move a record into the region."""


@dataclass(frozen=True)
class Source:
    """One contig of a VCF or BCF.

    Attributes
    ----------
    path
        The file.
    spelling
        The contig's name in it.
    contig
        The contig's name in the reference.
    regions
        0-based, half-open intervals to stay within.
    """

    path: str
    spelling: str
    contig: str
    regions: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Written:
    """A table of alleles, and what was left out of it.

    Attributes
    ----------
    table
        Tab-separated, without a head.
    records
        How many records the file has there.
    mismatches
        How many of them were left out because the reference has other bases than their REF.
    differing
        Those of them where both bases are known.
    """

    table: Path
    records: int
    mismatches: int
    differing: Differing


def write_clinvar(source: Source, reference: str, folder: Path) -> Written:
    """Write ClinVar's alleles of a contig: `KEY`, `clinvar_id`, columns of `CLINVAR_FIELDS`."""
    with quiet(), pysam.VariantFile(source.path) as variants:
        given = [field for field in CLINVAR_FIELDS.values() if field in variants.header.info]
    plain = _take(source, folder, ";".join(f"{field}=%INFO/{field}" for field in given), given)
    columns = "\t".join(f"%INFO/{field}" for field in CLINVAR_FIELDS.values())
    return _normalise(plain, reference, source, f"%POS\t%REF\t%ALT\t%ID\t{columns}\n", ordered=True)


def write_called(
    source: Source,
    sample: str,
    filters: Collection[str] | Literal["all"],
    reference: str,
    folder: Path,
) -> Written:
    """Write an individual's alleles of a contig: `KEY`, whether the call passed, and `genotype`.

    A call passes when each of its FILTER's values is one of `filters`; the table then has `PASSED`.
    """
    plain = _take(source, folder, ".\tGT[\t%GT]", (), sample=sample, filters=filters)
    return _normalise(plain, reference, source, "%POS\t%REF\t%ALT\t%ID[\t%GT]\n")


def _take(
    source: Source,
    folder: Path,
    columns: str,
    fields: Sequence[str],
    *,
    sample: str | None = None,
    filters: Collection[str] | Literal["all"] = "all",
) -> Path:
    """Write a contig as a VCF that has nothing but what is needed.

    bcftools refuses to split or rename records with contigs or fields that a header forgot to
    define, which callers do write; so ours defines all it holds.
    """
    regions, body, plain = folder / "regions.bed", folder / "body", folder / "plain.vcf"
    intervals = [(start, end + _SHIFT) for start, end in source.regions]
    local_files.provide_contig(source.path, source.spelling, intervals)
    regions.write_text("".join(f"{source.spelling}\t{start}\t{end}\n" for start, end in intervals))
    run(
        pysam.bcftools.query,
        *("--regions-file", str(regions), *(("--samples", sample) if sample else ())),
        *("--format", f"{source.contig}\t%POS\t%ID\t%REF\t%ALT\t.\t%FILTER\t{columns}\n"),
        *("--output", str(body), source.path),
        about=source.path,
    )
    header = ["##fileformat=VCFv4.2", f"##contig=<ID={source.contig}>"]
    header += [f'##INFO=<ID={each},Number=1,Type=String,Description="">' for each in fields]
    header += ['##FORMAT=<ID=GT,Number=1,Type=String,Description="">']
    names = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]
    names += ["FORMAT", sample] if sample else []
    with plain.open("wb") as written, body.open("rb") as records:
        written.write(("\n".join([*header, "\t".join(names)]) + "\n").encode())
        for line in records:
            fields_of = line.split(b"\t")
            if sample:  # of no use for a call, the ID tells whether it passed
                fields_of[2] = PASSED.encode() if _passes(fields_of[6], filters) else b"0"
            fields_of[6] = b"."
            written.write(b"\t".join(fields_of))
    return plain


def _passes(value: bytes, filters: Collection[str] | Literal["all"]) -> bool:
    return filters == "all" or all(
        each in filters for each in value.decode(errors="replace").split(";")
    )


def _normalise(
    plain: Path, reference: str, source: Source, columns: str, *, ordered: bool = False
) -> Written:
    """Split, left-align and trim, and write the result as a table.

    bcftools keeps the order of positions as far as 1,000 bases; in a longer repeat a record can
    move further, and a table that must be `ordered` is sorted.
    """
    normalised, table = plain.with_name("normalised.bcf"), plain.with_name("table.tsv")
    said = run(
        pysam.bcftools.norm,
        *("--multiallelics", "-", "--check-ref", "wx", "--fasta-ref", reference),
        *("-Ou", "--output", str(normalised), str(plain)),
        about=source.path,
    )
    if ordered:
        unordered = normalised.replace(plain.with_name("unordered.bcf"))
        run(
            pysam.bcftools.sort,
            *("--temp-dir", str(plain.with_name("sorting")), "-Ou"),
            *("--output", str(normalised), str(unordered)),
            about=source.path,
        )
    run(
        pysam.bcftools.query,
        *("--allow-undef-tags", "--format", columns, "--output", str(table), str(normalised)),
        about=source.path,
    )
    # Its last words name the counts, then give them: `.../mismatch_removed/...: .../0/...`.
    kinds, _, numbers = said.rpartition("Lines")[2].partition(":")
    counted = dict(zip(kinds.split()[0].split("/"), numbers.split()[0].split("/"), strict=True))
    mismatches = (
        line.split("\t")[1:] for line in said.splitlines() if line.startswith("REF_MISMATCH")
    )
    known = [each for each in mismatches if "N" not in (each[2] + each[3]).upper()]
    shown = tuple(
        f"{contig}:{position} has {ref}, not {bases}"
        for contig, position, ref, bases in known[:SHOWN]
    )
    differing = Differing(len(known), shown)
    return Written(table, int(counted["total"]), int(counted["mismatch_removed"]), differing)
