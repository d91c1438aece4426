"""ClinVar's and an individual's alleles, read from their tables and joined by merging.

Only what joins is kept in memory.
"""

import csv
import re
import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator
from io import SEEK_END
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pandas as pd

from evoflow.extract.vcf.normalise import CLINVAR_FIELDS, KEY, PASSED
from evoflow.extract.vcf.plain_vcf import Source
from evoflow.impact import REFERENCE, most_severe

_CHUNK = 50_000
_BASES = r"[ACGTN]+"
_THIS_ALLELE = r"(?:^|[|/])1(?:$|[|/])"
_RS_NUMBER = re.compile(r"(?<![\w-])(?:rs)?(\d+)\b", re.IGNORECASE)
"""An RS id among others, however they are separated; `-1` says that there is none."""


def read_clinvar(
    path: Path, source: Source, positions: npt.NDArray[np.int64] | None = None
) -> Iterator[pd.DataFrame]:
    """Read ClinVar's alleles that have a sequence; missing values are `.`, RS ids `123,456`.

    Parameters
    ----------
    path
        The table that `normalise.write_clinvar` made.
    source
        The regions to stay within.
    positions
        Those wanted, 1-based; default: all.

    Yields
    ------
    DataFrame
        In the order of positions, none of which is in two chunks; each allele once.
    """
    columns = [*KEY, "clinvar_id", *CLINVAR_FIELDS]
    rest = pd.DataFrame(columns=columns).astype(_types(columns))
    for chunk in read_table(path, columns, positions):
        # No read shows an N of ALT, which is any base.
        sequence = chunk["alt"].str.fullmatch("[ACGT]+") & (chunk["alt"] != chunk["ref"])
        usable = chunk[inside_regions(chunk, source) & sequence]
        usable = usable.assign(rs=usable["rs"].map(_rs_numbers))
        known = pd.concat([rest, usable], ignore_index=True)
        at_end = known["position"] == known["position"].max()
        rest = known[at_end]
        yield _once(known[~at_end])
    yield _once(rest)


def _once(clinvar: pd.DataFrame) -> pd.DataFrame:
    """Of an allele in several records keep the one that says most, with the classes of all."""
    twice = clinvar.duplicated(KEY, keep=False)
    if not twice.any():
        return clinvar
    missing = (clinvar.loc[twice, [*CLINVAR_FIELDS]] == ".").add_prefix("lacks_")
    listed = clinvar[twice].join(missing).sort_values([*KEY, *missing.columns, "clinvar_id"])
    for column, mark in (("mc", ","), ("significance", "|")):
        listed[column] = listed.groupby(KEY)[column].transform(_together, mark)
    kept = listed.drop_duplicates(KEY)[clinvar.columns]
    return pd.concat([clinvar[~twice], kept]).sort_index()


def _together(values: pd.Series, mark: str) -> str:
    parts = mark.join(values).split(mark)
    return mark.join(dict.fromkeys(part for part in parts if part != ".")) or "."


def read_called(
    path: Path, source: Source
) -> tuple[pd.DataFrame, pd.DataFrame, Counter[str], Counter[str]]:
    """Read the alleles that an individual carries.

    Returns
    -------
    called
        `KEY`, `genotype` (1: this allele; 0: any other), whether the call `passed` the filters,
        `record` (see `normalise.write_called`), and `own_mc`, the consequences that the
        individual's file gives; also those nearby outside of the regions.
    unknown
        `KEY` of the alleles that the individual may carry, since the genotype is missing, or half
        of it is; also those nearby outside of the regions.
    dropped
        How many alleles within the regions were dropped, by reason.
    genotypes
        How many alleles within the regions have a genotype of each kind.
    """
    dropped: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    kept, unknown = [], []
    for chunk in read_table(path, [*KEY, "record", "own_mc", "genotype"]):
        within = inside_regions(chunk, source)
        for genotype, count in chunk["genotype"][within].value_counts().items():
            kinds[_kind(str(genotype))] += int(count)
        sequence = chunk["alt"].str.fullmatch(_BASES)
        missing = ~chunk["genotype"].str.contains(r"\d")
        same = chunk["ref"] == chunk["alt"]
        sequence &= ~same
        contained = chunk["genotype"].str.contains(_THIS_ALLELE)
        dropped["ALT equals REF"] += int((within & same).sum())
        dropped["ALT is not a sequence"] += int((within & ~sequence & ~same).sum())
        dropped["genotype is missing"] += int((within & sequence & missing).sum())
        dropped["genotype does not contain it"] += int(
            (within & sequence & ~missing & ~contained).sum()
        )
        kept.append(chunk[sequence & contained])
        in_part = chunk["genotype"].str.contains(".", regex=False)
        unknown.append(chunk[sequence & in_part & ~contained][KEY])
    called = pd.concat(kept, ignore_index=True)
    called = called.assign(passed=called["record"].str.startswith(PASSED))
    # Of an allele that is listed twice the genotype that says most stays: 1/1, 0/1, ./1.
    twice = called.duplicated(KEY, keep=False)
    listed = called[twice].sort_values([*KEY, "passed", "genotype"])
    ordered = pd.concat([called[~twice], listed])
    repeated = ordered.duplicated(KEY, keep="last")
    dropped["listed twice"] += int((repeated & inside_regions(ordered, source)).sum())
    once = ordered[~repeated]
    failed = ~once["passed"] & inside_regions(once, source)
    dropped["its call failed a filter"] += int(failed.sum())
    return once, pd.concat(unknown, ignore_index=True), dropped, kinds


def _kind(genotype: str) -> str:
    alleles = genotype.replace("|", "/").split("/")
    missing = alleles.count(".")
    if missing == len(alleles):
        return "missing"
    if missing:
        return "half call"
    return {1: "haploid", 2: "diploid"}.get(len(alleles), "polyploid")


def read_table(
    path: Path, columns: list[str], positions: npt.NDArray[np.int64] | None = None
) -> Iterator[pd.DataFrame]:
    """Read a table that `normalise.write_table` made, chunk by chunk; bases become upper-case.

    Where `positions` are wanted, the table must be sorted.
    """
    last = sys.maxsize if positions is None else positions.max(initial=0)
    with path.open("rb") as file:
        if positions is not None:
            file.seek(_offset(file, positions.min(initial=sys.maxsize)))
        for chunk in pd.read_csv(
            file,
            sep="\t",
            names=columns,
            dtype=_types(columns),
            na_filter=False,
            quoting=csv.QUOTE_NONE,
            encoding_errors="backslashreplace",
            chunksize=_CHUNK,
        ):
            wanted = chunk if positions is None else chunk[chunk["position"].isin(positions)]
            yield wanted.assign(ref=wanted["ref"].str.upper(), alt=wanted["alt"].str.upper())
            if chunk["position"].max() > last:
                return


def _offset(file: BinaryIO, position: int) -> int:
    """Find the first line of a position, or of the next one, in a table sorted by position."""
    if not file.seek(0, SEEK_END):  # what is empty cannot be mapped
        return 0
    with mmap(file.fileno(), 0, access=ACCESS_READ) as lines:

        def position_of(byte: int) -> int:
            start = lines.rfind(b"\n", 0, byte) + 1  # of the line that the byte is in
            return int(lines[start : lines.find(b"\t", start)])

        return bisect_left(range(len(lines)), position, key=position_of)


def _types(columns: list[str]) -> dict[Hashable, str]:
    return {column: "int64" if column == "position" else "str" for column in columns}


def inside_regions(table: pd.DataFrame, source: Source) -> npt.NDArray[np.bool_]:
    """Tell which rows begin within the regions."""
    start = table["position"].to_numpy() - 1
    firsts, ends = np.array(source.regions).T
    before = np.searchsorted(firsts, start, side="right") - 1
    return np.asarray((before >= 0) & (start < ends[before]))


def join(
    carried: pd.DataFrame, clinvar: Iterator[pd.DataFrame], source: Source
) -> tuple[pd.DataFrame, Counter[str], Counter[str]]:
    """Join an individual's alleles with ClinVar's, and label them.

    The consequences are those of the individual's file where it gives any, else ClinVar's.

    Parameters
    ----------
    carried
        The first table of `read_called`.
    clinvar
        The chunks of `read_clinvar`.
    source
        The regions to stay within.

    Returns
    -------
    joined
        `carried` with ClinVar's columns and `consequence`, `impact` and `impact_score`.
    dropped
        How many of the carried alleles within the regions were dropped, by reason.
    unknown
        How many joined alleles have each consequence term that no table lists.
    """
    inside = carried[inside_regions(carried, source)]
    # Those at other positions are left out first: a chunk covers a small part of the contig.
    matches = [
        inside[inside["position"].isin(chunk["position"])].merge(chunk, on=KEY) for chunk in clinvar
    ]
    found = pd.concat(matches, ignore_index=True)
    found = found.assign(mc=found["mc"].where(found["own_mc"] == ".", found["own_mc"]))
    dropped = Counter({"ClinVar does not list it": len(inside) - len(found)})
    for field, reason in (("rs", "ClinVar gives no RS id"), ("mc", "ClinVar gives no consequence")):
        lacks = found[field] == "."
        dropped[reason] = int(lacks.sum())
        found = found[~lacks]
    labels = {value: most_severe(value) for value in found["mc"].unique()}
    unknown = Counter(term for value in found["mc"] for term in labels[value][1])
    known = found["mc"].map(lambda value: labels[value][0] is not None).astype(bool)
    dropped["consequence is unknown"] = int((~known).sum())
    found = found[known]
    chosen = [labels[value][0] or REFERENCE for value in found["mc"]]
    return (
        found.assign(
            consequence=[consequence.term for consequence in chosen],
            impact=[consequence.impact for consequence in chosen],
            impact_score=[consequence.score for consequence in chosen],
        ),
        dropped,
        unknown,
    )


def described(table: pd.DataFrame) -> pd.DataFrame:
    """Add what the table of examples says of ClinVar's record; missing values are empty.

    `rs` 123,456 is `rsid` rs123;rs456, and the `gene` BRCA1:672|NBR2:10230 is BRCA1,NBR2.
    """
    return table.assign(
        rsid=[_rs_ids(value) for value in table["rs"]],
        clinical_significance=table["significance"].where(table["significance"] != ".", ""),
        review_status=table["review"].where(table["review"] != ".", ""),
        origin=table["origin"].where(table["origin"] != ".", ""),
        gene=[_gene_symbols(value) for value in table["gene"]],
    )


def _rs_numbers(value: str) -> str:
    if value.isdecimal():
        return value
    return ",".join(dict.fromkeys(_RS_NUMBER.findall(value))) or "."


def _rs_ids(value: str) -> str:
    return "" if value == "." else ";".join(f"rs{number}" for number in value.split(","))


def _gene_symbols(value: str) -> str:
    return "" if value == "." else ",".join(gene.split(":")[0] for gene in value.split("|"))
