"""Reads piled over the reference, with the allele marked."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from evoflow.labels.target import LABEL
from evoflow.report.assessment import shortened
from evoflow.report.page import Block, Drawing
from evoflow.table import ALLELE

AROUND = 40
"""Bases that are shown on each side of an allele."""

MOST_READS = 20
_SAME, _GAP = ".", "-"


def blocks(examples: pd.DataFrame, allele: Mapping[Any, Any]) -> Iterator[Block]:
    """Draw the reads of one allele in the table of examples.

    Parameters
    ----------
    examples
        The table of examples.
    allele
        Has the keys `table.ALLELE`, `label` and `head` (the predicted score).
    """
    chosen = (examples[ALLELE] == pd.Series({name: allele[name] for name in ALLELE})).all(axis=1)
    reads = examples[chosen]
    if reads.empty:
        return
    first = reads.iloc[0]
    told = f"true score {allele[LABEL]:g}, predicted {allele['head']:.2g}"
    known = ", ".join(filter(None, (first["gene"], first["consequence"].replace("_", " "))))
    yield Drawing(
        pile(reads), f"{name_of(allele)}{f' ({known})' if known else ''}: {told}", CAPTION
    )


CAPTION = (
    "The first line is the reference, each line below a read in the reference's direction. A dot "
    "is the reference's base, a red letter another one; the allele is marked."
)


def name_of(allele: Mapping[Any, Any]) -> str:
    """Write an allele as `chr1:123 A>T`; long ones are cut."""
    ref, alt = map(shortened, _two(allele))
    return f"{allele['contig']}:{allele['position']:,} {ref}>{alt}"


def pile(reads: pd.DataFrame) -> Markup:
    """Draw reads that show one allele.

    Parameters
    ----------
    reads
        Rows of the table of examples with the same allele: columns `position`, `ref`, `alt`,
        `carries_alt`, `sequence`, `reference_sequence`, `variant_offset`, and `reference_start`
        where other alleles may lie before this one.
    """
    ref, alt = _two(reads.iloc[0].to_dict())
    wide = max(len(ref), len(alt))
    shown = [_columns(row, ref, alt, wide) for row in reads.head(MOST_READS).to_dict("records")]
    reference = max((own[0] for own in shown), key=lambda text: len(text.replace(" ", "")))
    blank = min(
        len(text) - len(text.lstrip()) for text in (reference, *(read for _, read in shown))
    )
    lines = [_marked([escape(base) for base in reference], wide, blank)]
    lines += [_marked(_coloured(own, read), wide, blank) for own, read in shown]
    left = len(reads) - MOST_READS
    more = [escape(f"and {left:,} more reads")] if left > 0 else []
    return Markup('<pre class="pileup">{}</pre>').format(Markup("\n").join([*lines, *more]))


def _columns(row: Mapping[Any, Any], ref: str, alt: str, wide: int) -> tuple[str, str]:
    """Write the reference and the read column by column, the allele `wide` columns broad."""
    offset = int(row["variant_offset"])
    own = alt if row["carries_alt"] else ref
    read, window = str(row["sequence"]), str(row["reference_sequence"])
    left = read[max(0, offset - AROUND) : offset].rjust(AROUND)
    right = read[offset + len(own) :][:AROUND].ljust(AROUND)
    # Not the read's offset: another insertion or deletion may lie before the allele.
    start = int(row.get("reference_start", row["position"] - 1 - offset))
    place = max(int(row["position"]) - 1 - start, 0)
    window_left = window[max(0, place - AROUND) : place].rjust(AROUND)
    window_right = window[place + len(ref) :][:AROUND].ljust(AROUND)
    middle = read[offset : offset + len(own)].ljust(wide, _GAP)
    return window_left + ref.ljust(wide, _GAP) + window_right, left + middle + right


def _coloured(reference: str, read: str) -> list[Markup]:
    return [
        escape(base)
        if base == " "
        else Markup("<i>{}</i>").format(_SAME)
        if base == own
        else Markup("<b>{}</b>").format(base)
        for own, base in zip(reference, read, strict=True)
    ]


def _marked(cells: list[Markup], wide: int, blank: int) -> Markup:
    """Put the allele's columns into a mark; leave out columns that are blank in every line."""
    join = Markup("").join
    inside = join(cells[AROUND : AROUND + wide])
    return Markup("{}<mark>{}</mark>{}").format(
        join(cells[blank:AROUND]), inside, join(cells[AROUND + wide :])
    )


def _two(allele: Mapping[Any, Any]) -> tuple[str, str]:
    return str(allele["ref"]), str(allele["alt"])
