"""ClinVar's and an individual's alleles as tables, normalised by bcftools.

Each table is one contig: renamed as the reference spells it, split by allele, left-aligned and
trimmed.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import pysam
import pysam.bcftools

from evoflow.errors import InputError
from evoflow.extract.vcf.annotation import Annotation
from evoflow.extract.vcf.plain_vcf import PlainVcf, Source, is_inside, take
from evoflow.files.htslib import damaged, quiet, run
from evoflow.inputs.agreement import SHOWN, Differing, difference
from evoflow.inputs.consequence_field import find_subfields

KEY = ["position", "ref", "alt"]
CLINVAR_FIELDS = {
    "rs": "RS",
    "mc": "MC",
    "significance": "CLNSIG",
    "review": "CLNREVSTAT",
    "origin": "ORIGIN",
    "gene": "GENEINFO",
}
"""Columns of ClinVar's table and the INFO fields that they come from."""

_NO_BASES = re.compile(r"faidx_fetch_seq failed at (\S+:\d+)")
"""What bcftools norm says where the reference cannot be read."""

PASSED = "1"
"""How `record` begins in an individual's table where the call passed the filters."""


@dataclass(frozen=True)
class Written:
    """A table of alleles, and what was left out of it.

    Attributes
    ----------
    table
        Tab-separated, without a head.
    records
        How many records were compared with the reference.
    inside
        How many records begin within the regions.
    mismatches
        How many alleles within the regions were left out because the reference has other bases
        than their REF.
    differing
        The records, also behind the regions' ends, that differ where both bases are known.
    not_bases
        How many records within the regions were left out because REF is not A, C, G, T or N.
    """

    table: Path
    records: int
    inside: int
    mismatches: int
    differing: Differing
    not_bases: int


def write_clinvar(
    source: Source, reference: str, folder: Path, consequence_field: str | None = None
) -> Written:
    """Write ClinVar's alleles of a contig: `KEY`, `clinvar_id`, columns of `CLINVAR_FIELDS`.

    Where the file has `consequence_field`, what it says of an allele replaces `MC`.
    """
    with quiet(), pysam.VariantFile(source.path) as variants:
        given = {field: "1" for field in CLINVAR_FIELDS.values() if field in variants.header.info}
    info = ";".join(f"{field}=%INFO/{field}" for field in given)
    annotated = _Annotated.of(source, consequence_field)
    if annotated is None:
        taken = take(source, folder, f"{info}\n", given)
    else:

        def replace(record: list[bytes]) -> None:
            told = annotated.pop(record)
            values = dict(each.partition(b"=")[::2] for each in record[7].split(b";"))
            own = values.get(b"MC", b".").replace(b",", b"&")
            values[b"MC"] = b",".join(own if each == b"." else each for each in told)
            record[7] = b";".join(b"=".join(each) for each in values.items() if each[0])

        taken = take(
            source,
            folder,
            f"{info or '.'}{annotated.column}\n",
            given | {"MC": "A"},
            change=replace,
            gather=annotated.gather,
        )
    columns = "\t".join(f"%INFO/{field}" for field in CLINVAR_FIELDS.values())
    columns = f"%POS\t%REF\t%ALT\t%ID\t{columns}\n"
    return write_table(taken, reference, source, columns, ordered=True)


def write_called(
    source: Source,
    sample: str,
    filters: Collection[str] | Literal["all"],
    reference: str,
    folder: Path,
    *,
    consequence_field: str | None = None,
) -> Written:
    """Write an individual's alleles of a contig: `KEY`, `record`, `MC`, `genotype`.

    `record` has, between commas, whether the call passed, and the FILTER and the ID of its record.
    A call passes when each value of FILTER, and of the sample's own FT where the file has it, is
    one of `filters`; the first is then `PASSED`.
    `MC` is what the file says of the allele in `consequence_field`, as ClinVar would write it.
    `sample` is spelled as in the file.
    """
    annotated = _Annotated.of(source, consequence_field)
    with quiet(), pysam.VariantFile(source.path) as variants:
        own_filter = "[\t%FT]" if "FT" in variants.header.formats else ""

    def mark(record: list[bytes]) -> None:  # in the ID, which passes through bcftools as it is
        if annotated is not None:
            record[7] = b"MC=" + b",".join(annotated.pop(record))
        values = record[6].split(b";")
        if own_filter and (of_sample := record.pop()) != b".":
            values += of_sample.split(b";")
        passes = filters == "all" or all(
            each.decode(errors="replace") in filters for each in values
        )
        record[2] = b",".join((PASSED.encode() if passes else b"0", record[6], record[2]))

    taken = take(
        source,
        folder,
        f".\tGT[\t%GT]{own_filter}{annotated.column if annotated else ''}\n",
        {"MC": "A"} if annotated else {},
        sample=sample,
        change=mark,
        gather=annotated.gather if annotated else lambda _: None,
    )
    return write_table(taken, reference, source, "%POS\t%REF\t%ALT\t%ID\t%INFO/MC[\t%GT]\n")


@dataclass(frozen=True)
class _Annotated:
    """The consequences in a further column of records."""

    annotation: Annotation
    column: str

    @classmethod
    def of(cls, source: Source, field: str | None) -> Self | None:
        subfields = None if field is None else find_subfields(source.path, field)
        return None if subfields is None else cls(Annotation(subfields), f"\t%INFO/{field}")

    def gather(self, records: Iterable[list[bytes]]) -> None:
        self.annotation.gather(records)

    def pop(self, record: list[bytes]) -> list[bytes]:
        """Take the column off a record; tell the consequences of each ALT allele."""
        told = self.annotation.of_alleles(record)
        del record[-1]
        return [each.encode() for each in told]


def write_table(
    taken: PlainVcf, reference: str, source: Source, columns: str, *, ordered: bool = False
) -> Written:
    """Split, left-align and trim records, and write `columns` of them, in bcftools' form.

    bcftools keeps the order of positions as far as 1,000 bases; in a longer repeat a record can
    move further, and a table that must be `ordered` is sorted.
    """
    plain = taken.path
    normalised, table = plain.with_name("normalised.bcf"), plain.with_name("table.tsv")
    try:
        said = run(
            pysam.bcftools.norm,
            *("--multiallelics", "-", "--check-ref", "wx", "--fasta-ref", reference),
            *("-Ou", "--output", str(normalised), str(plain)),
            about=source.path,
        )
    except InputError as error:
        if (place := _NO_BASES.search(str(error))) is None:
            raise
        raise InputError(damaged(reference, place[1])) from None
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
    mismatches = [
        line.split("\t")[1:] for line in said.splitlines() if line.startswith("REF_MISMATCH")
    ]
    inside = [each for each in mismatches if is_inside(int(each[1]), source)]
    known = [each for each in inside if "N" not in (each[2] + each[3]).upper()]
    shown = tuple(
        difference(contig, int(position), ref, bases)
        for contig, position, ref, bases in known[:SHOWN]
    )
    return Written(
        table,
        records=int(counted["total"]),
        inside=taken.inside,
        mismatches=len(inside),
        differing=Differing(len(known), shown),
        not_bases=taken.not_bases,
    )
