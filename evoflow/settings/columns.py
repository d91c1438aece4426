"""A number that a file gives for each allele: a functional score, CADD, an allele frequency."""

from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field

from evoflow.settings.locations import Location
from evoflow.settings.types import Number, Section


def _rising(bounds: tuple[float, ...]) -> tuple[float, ...]:
    if any(low >= high for low, high in pairwise(bounds)):
        raise ValueError("must increase, such as [10, 20]")
    return bounds


class AlleleColumn(Section):
    """A column of a table, or an INFO field of a VCF, and where its alleles are."""

    file: Location
    """A tab-separated table with a header, plain or gzipped; or a VCF or BCF.

    It is read whole, so cut a whole-genome file to the part that you need.
    """
    name: Annotated[str, Field(min_length=1)]
    """The column's name in the header of the table, or the INFO field."""
    allele: tuple[str, str, str, str] | None = None
    """Names of the table's columns for contig, position (1-based), REF and ALT; default: the usual
    ones, such as `chrom`, `pos`, `ref` and `alt`."""


class UserColumn(AlleleColumn):
    """A column that becomes a baseline."""

    title: str | None = None
    """What reports call it; default: `name`."""
    strata: Annotated[tuple[Number, ...], AfterValidator(_rising)] = ()
    """Increasing values that divide the test alleles; metrics are given for each part."""

    @property
    def called(self) -> str:
        """What reports call it."""
        return self.title or self.name
