"""What must not be on two sides of a split: alleles, reads and sequences."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from evoflow.dna import canonical_strand
from evoflow.errors import InputError

SIDES = ("train", "validation", "test")
"""The sides of a split; an example set aside has `gap` instead."""

SET_ASIDE = "gap"


def shared(examples: pd.DataFrame, split: pd.Series) -> pd.DataFrame:
    """Rows whose allele, read or sequence is on another side too.

    Parameters
    ----------
    examples
        The table of examples.
    split
        The side of every row; rows that are set aside do not count.

    Returns
    -------
    DataFrame
        Columns `row` (row number), `kind` (`allele`, `read` or `sequence`), `value`, `side`. A
        sequence counts in both orientations, and as a read as well as a reference window.
    """
    used = np.flatnonzero(split.isin(SIDES))
    rows = examples.iloc[used]
    windows = pd.concat(
        [canonical_strand(rows["sequence"]), canonical_strand(rows["reference_sequence"])]
    )
    found = [
        _on_two_sides(kind, values, np.resize(used, len(values)), split)
        for kind, values in {
            "allele": _joined(rows, ["contig", "position", "ref", "alt"]),
            "read": _joined(rows, ["individual", "read_name"]),
            "sequence": windows,
        }.items()
    ]
    return pd.concat(found, ignore_index=True)


def check_no_leak(examples: pd.DataFrame) -> None:
    """Stop when an allele, a read or a sequence is on two sides of the column `split`.

    Raises
    ------
    InputError
        Naming up to three of them.
    """
    found = shared(examples, examples["split"])
    if found.empty:
        return
    problems = [
        f"the {kind} {value} is in {' and '.join(sorted(set(sides)))}"
        for (kind, value), sides in found.groupby(["kind", "value"], sort=True)["side"]
    ]
    raise InputError(
        f"the split leaks: {'; '.join(problems[:3])} ({len(problems):,} in all);"
        " split the examples with evoflow.augment.split"
    )


def _joined(rows: pd.DataFrame, columns: list[str]) -> pd.Series:
    """One text for the values of some columns of each row."""
    text = rows[columns[0]].astype("str")
    for column in columns[1:]:
        text = text + " " + rows[column].astype("str")
    return text


def _on_two_sides(
    kind: str, values: pd.Series, rows: npt.NDArray[np.int64], split: pd.Series
) -> pd.DataFrame:
    sides = split.to_numpy()[rows]
    table = pd.DataFrame({"row": rows, "kind": kind, "value": values.to_numpy(), "side": sides})
    return table[table.groupby("value")["side"].transform("nunique") > 1]
