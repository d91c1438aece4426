"""The INFO field in which VEP, SnpEff or bcftools csq wrote consequences: what its header tells."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pysam

from evoflow.errors import InputError
from evoflow.files.htslib import quiet
from evoflow.inputs.refusals import shortened
from evoflow.settings import DataSettings

_CONSEQUENCE = ("consequence", "annotation")
"""The subfield with the terms: in CSQ and BCSQ, and in ANN."""

_FIXED = {
    "ANN": ("allele", "annotation"),
    "BCSQ": (
        "consequence", "gene", "transcript", "biotype", "strand", "amino_acid_change", "dna_change",
    ),
}  # fmt: skip
"""Subfields that do not depend on a header; those of CSQ do."""

_MARKS = "'\"\\[]* "
"""What headers put around the names of subfields."""


@dataclass(frozen=True)
class Subfields:
    """Where the parts of an entry stand, 0-based, between `|`; None where there is no such part.

    Attributes
    ----------
    consequence
        Terms, separated by `&`.
    allele
        The ALT allele.
    allele_is_alt
        Whether it is spelled as ALT, as SnpEff does; VEP takes off bases that it shares with REF.
    allele_number
        The ALT allele's number, from 1.
    dna_change
        The change of bases, such as `126T>A` or, for two together, `130C>A+131G>A`.
    """

    consequence: int
    allele: int | None = None
    allele_is_alt: bool = False
    allele_number: int | None = None
    dna_change: int | None = None


def find_subfields(path: str, field: str) -> Subfields | None:
    """Read from a VCF's header what the entries of a field hold; None where it has no such field.

    Raises
    ------
    InputError
        When the header does not say which subfield holds the consequence.
    """
    with quiet(), pysam.VariantFile(path) as variants:
        declared = variants.header.info.get(field)
        kind = declared.type if declared is not None else ""
        description = str(declared.description or "") if declared is not None else ""
    if declared is None:
        return None
    if kind != "String":
        raise InputError(
            f"data.consequence_field: {path}: the INFO field {field} holds values of type {kind}, "
            "not consequences; name the field that VEP, SnpEff or bcftools csq wrote"
        )
    names = _names(description)
    if not set(names) & set(_CONSEQUENCE):
        names = list(_FIXED.get(field, names))
    places = {name: place for place, name in reversed([*enumerate(names)])}
    found = [name for name in _CONSEQUENCE if name in places]
    if not found or not {"allele", "dna_change"} & set(names):
        raise InputError(
            f"data.consequence_field: {path}: the description of the INFO field {field} "
            f"({description!r}) names no subfields Allele and Consequence; name the field that "
            "VEP, SnpEff or bcftools csq wrote, with its header line as they wrote it"
        )
    return Subfields(
        consequence=places[found[0]],
        allele=places.get("allele"),
        allele_is_alt=found[0] == "annotation",
        allele_number=places.get("allele_num"),
        dna_change=places.get("dna_change"),
    )


def check_consequence_field(data: DataSettings, paths: Sequence[str]) -> list[str]:
    """Check that a field is declared by ClinVar or an individual; return warnings.

    Parameters
    ----------
    data
        The inputs.
    paths
        ClinVar's file and those of the individuals, as far as they can be read.

    Raises
    ------
    InputError
        When no header declares it, with the fields that are there, or when one does not say what
        its entries hold.
    """
    field = data.consequence_field
    if field is None or not paths:
        return []
    without = [path for path in paths if find_subfields(path, field) is None]
    if len(without) == len(paths):
        there = "; ".join(f"{path} has {shortened(_fields(path)) or 'none'}" for path in paths)
        raise InputError(
            f"data.consequence_field: no file declares the INFO field {field} ({there}); name a "
            "field of these, or leave consequence_field out to use ClinVar's MC"
        )
    people = [path for path in without if path != data.clinvar]
    if not people:
        return []
    instead = field if data.clinvar not in without else "MC"
    return [f"{path}: has no INFO field {field}; ClinVar's {instead} is used" for path in people]


def _fields(path: str) -> list[str]:
    with quiet(), pysam.VariantFile(path) as variants:
        return list(variants.header.info)


def _names(description: str) -> list[str]:
    """Find the names between the bars of a description, lower-case."""
    before, *rest = description.split("|")
    # Words stand before the first name: `... Format: Allele`, `Functional annotations: 'Allele`.
    first = re.split(r"[\s:'\"\\(]+", before.rstrip(_MARKS))[-1]
    return [name.strip(_MARKS).lower() for name in (first, *rest)] if rest else []
