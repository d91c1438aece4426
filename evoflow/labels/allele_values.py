"""Users' numbers brought to ClinVar's alleles: normalised, and refused where they do not fit."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from evoflow.errors import InputError, collected
from evoflow.extract.vcf.normalise import KEY, Written, write_clinvar, write_table
from evoflow.extract.vcf.plain_vcf import Source, write_plain
from evoflow.extract.vcf.variants import read_clinvar, read_table
from evoflow.inputs import agreement, inventory, refusals
from evoflow.labels.target import LABEL
from evoflow.remote import local_files
from evoflow.settings import DataSettings, UserColumn

_SHOWN = 3


@dataclass(frozen=True)
class GivenColumn:
    """A user's column as its file has it.

    Attributes
    ----------
    name
        What the table of examples calls it.
    file
        Where it is, for messages.
    rows
        As `values_file.read_values` gives them.
    """

    name: str
    file: str
    rows: pd.DataFrame


@dataclass(frozen=True)
class AlleleValues:
    """Numbers of alleles that ClinVar lists.

    Attributes
    ----------
    table
        Columns `contig` (as the reference spells it), `KEY` and one for each user's column, NaN
        where it has no value; one row per allele.
    counts
        Columns `subject` (the column), `reason` and `count`: what became of each row of its file.
    """

    table: pd.DataFrame
    counts: pd.DataFrame


NO_VALUES = AlleleValues(
    pd.DataFrame(columns=["contig", *KEY]), pd.DataFrame(columns=["subject", "reason", "count"])
)


def column_name(column: UserColumn) -> str:
    """Say what the table of examples calls a user's column."""
    return f"value_{column.called}"


def model_name(column: UserColumn) -> str:
    """Say what evaluations call the ranking of alleles by a user's column."""
    return f"column_{column.called}"


def match(given: list[GivenColumn], data: DataSettings) -> AlleleValues:
    """Find the values of the alleles that ClinVar lists with an RS id.

    Parameters
    ----------
    given
        The columns.
    data
        The inputs, which are sound.

    Raises
    ------
    InputError
        When a column is of another genome, has none of ClinVar's alleles, or two values for one
        allele; when the target is the same everywhere.
    """
    if not given:
        return NO_VALUES
    local = local_files.localise(data)
    problems: list[str] = []
    tables, counts = [], []
    with local_files.urls_named(data, local), TemporaryDirectory(prefix="evoflow-") as folder:
        matcher = _Matcher(local, Path(folder))
        for column in given:
            reasons: Counter[str] = Counter()
            with collected(problems):
                tables.append(matcher.match(column, reasons))
            subject = f"value of {column.name.removeprefix('value_')}"
            counts += [(subject, *each) for each in reasons.items() if each[1]]
        if problems:
            raise InputError(problems)
    merged = tables[0]
    for table in tables[1:]:
        merged = merged.merge(table, on=["contig", *KEY], how="outer")
    return AlleleValues(merged, pd.DataFrame(counts, columns=["subject", "reason", "count"]))


class _Matcher:
    """Finds ClinVar's alleles in users' columns.

    Parameters
    ----------
    data
        The inputs, all local.
    folder
        For scratch files.
    """

    def __init__(self, data: DataSettings, folder: Path) -> None:
        self._data, self._folder = data, folder
        self._reference = str(data.reference)
        self._genome = inventory.read_genome(self._reference)
        self._regions = inventory.regions_of(data, self._genome)
        self._clinvar = inventory.held_by_variants(str(data.clinvar), self._genome)
        self._found: dict[str, pd.DataFrame] = {}

    def match(self, column: GivenColumn, reasons: Counter[str]) -> pd.DataFrame:
        """Normalise a column's alleles, keep those that ClinVar lists, and count the others."""
        parts = [pd.DataFrame(columns=["contig", *KEY, column.name])]
        compared: dict[str, Written] = {}
        for contig, rows in self._by_contig(column, reasons):
            if contig not in self._regions:
                reasons["outside the regions"] += len(rows)
                continue
            found, compared[contig] = self._normalised(column, contig, rows, reasons)
            listed = found.merge(self._listed(contig), on=KEY)
            reasons["ClinVar does not list its allele"] += len(found) - len(listed)
            parts.append(_once(column, contig, listed, reasons))
        wrong = agreement.contigs_of_other_bases(self._reference, column.file, compared)
        table = pd.concat(parts, ignore_index=True)
        table = table.astype({"position": "int64", column.name: float})
        differing = table["contig"].isin(wrong)
        reasons["REF is not what the reference has on its contig"] += int(differing.sum())
        table = table[~differing]
        reasons["kept"] += len(table)
        self._require(column, table, reasons)
        return table

    def _require(self, column: GivenColumn, table: pd.DataFrame, reasons: Counter[str]) -> None:
        """Refuse a column without an allele of ClinVar's, and a target that is the same for all."""
        if table.empty:
            why = "; ".join(f"{number:,} rows: {why}" for why, number in reasons.items() if number)
            raise InputError(
                f"{column.file}: has a value for none of the alleles that {self._data.clinvar} "
                f"lists with an RS id ({why}); give alleles of the reference's build, with 1-based "
                "positions, or a ClinVar file that lists them"
            )
        if column.name == LABEL and np.ptp(table[LABEL]) == 0:
            raise InputError(
                f"{column.file}: all of its {len(table):,} alleles that ClinVar lists have the "
                f"value {table[LABEL].iloc[0]:g}, so there is nothing to learn; give values that "
                "differ"
            )

    def _listed(self, contig: str) -> pd.DataFrame:
        """List `KEY` of ClinVar's alleles of a contig that have an RS id."""
        if contig not in self._clinvar.records:
            return pd.DataFrame(columns=KEY).astype({"position": "int64"})
        if contig not in self._found:
            spellings = self._clinvar.spellings[contig]
            source = Source(str(self._data.clinvar), spellings, contig, self._regions[contig])
            written = write_clinvar(source, self._reference, self._folder)
            parts = [
                chunk.loc[chunk["rs"] != ".", KEY] for chunk in read_clinvar(written.table, source)
            ]
            self._found[contig] = pd.concat(parts)
        return self._found[contig]

    def _by_contig(
        self, column: GivenColumn, reasons: Counter[str]
    ) -> Iterator[tuple[str, pd.DataFrame]]:
        """Divide the rows with a value by contig of the reference, in its order."""
        missing = column.rows["value"].isna()
        reasons["it is missing"] += int(missing.sum())
        rows = column.rows[~missing]
        names = {name: self._genome.find(name) for name in rows["contig"].unique()}
        contig = rows["contig"].map(names)
        foreign = contig.isna()
        if foreign.all():
            raise InputError(
                f"{column.file}: none of its contigs ({refusals.shortened(names)}) is in "
                f"{self._reference} ({refusals.shortened(self._genome.lengths)}); give alleles of "
                "that reference"
            )
        reasons["the reference does not have its contig"] += int(foreign.sum())
        groups = dict(list(rows[~foreign].groupby(contig[~foreign], sort=False)))
        for name in self._genome.lengths:
            if name in groups:
                yield name, groups[name]

    def _normalised(
        self, column: GivenColumn, contig: str, rows: pd.DataFrame, reasons: Counter[str]
    ) -> tuple[pd.DataFrame, Written]:
        """Left-align and trim a contig's alleles: `KEY`, `value` and `line`."""
        length = self._genome.lengths[contig]
        rows = rows.sort_values("position", kind="stable").reset_index(drop=True)
        if rows["position"].iloc[-1] > length:
            last = rows.iloc[-1]
            raise InputError(
                f"{column.file}: line {last['line']:,} has the position {last['position']:,}, but "
                f"{contig} of {self._reference} has {length:,} bases; give alleles of that "
                "reference"
            )
        source = Source(column.file, (), contig, ((0, length),))
        fields = zip(rows["position"], rows.index, rows["ref"], rows["alt"], strict=True)
        records = (
            [b"", *(str(value).encode() for value in values), b".", b".", b"."] for values in fields
        )
        local_files.provide_reference(self._reference, [contig])
        taken = write_plain(source, records, self._folder, {})
        written = write_table(taken, self._reference, source, "%POS\t%REF\t%ALT\t%ID\n")
        parts = [pd.DataFrame(columns=[*KEY, "row"])]
        with suppress(pd.errors.EmptyDataError):
            parts = list(read_table(written.table, [*KEY, "row"]))
        table = pd.concat(parts, ignore_index=True).astype({"position": "int64", "row": "int64"})
        reasons["REF is not A, C, G, T or N"] += written.not_bases
        reasons["REF differs from the reference"] += written.mismatches
        bases = table["alt"].str.fullmatch("[ACGTN]+").astype(bool) & (table["alt"] != table["ref"])
        reasons["ALT is not another sequence of bases"] += int((~bases).sum())
        table = table[bases]
        found = rows[["value", "line"]].iloc[table["row"]].set_axis(table.index)
        return pd.concat([table, found], axis=1), written


def _once(
    column: GivenColumn, contig: str, found: pd.DataFrame, reasons: Counter[str]
) -> pd.DataFrame:
    """Keep each allele once; refuse one with two values."""
    differing = found[found.groupby(KEY)["value"].transform("nunique") > 1]
    if len(differing):
        shown = [
            f"{contig}:{position}:{ref}:{alt} has {' and '.join(f'{v:g}' for v in of['value'])} "
            f"(lines {', '.join(map(str, of['line']))})"
            for (position, ref, alt), of in differing.groupby(KEY)
        ]
        more = f" and {len(shown) - _SHOWN:,} more" if len(shown) > _SHOWN else ""
        raise InputError(
            f"{column.file}: {'; '.join(shown[:_SHOWN])}{more}; keep one value for each allele"
        )
    once = found.drop_duplicates(KEY)
    reasons["its allele is listed twice, with the same value"] += len(found) - len(once)
    return once.assign(contig=contig, **{column.name: once["value"]})[["contig", *KEY, column.name]]
