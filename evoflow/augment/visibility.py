"""Where an allele shows in a read, and which alleles do not show in the tokens that are kept."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evoflow.settings import EmbeddingSettings, Window
from evoflow.table import ALLELE

Numbers = npt.NDArray[np.int64]

_READ = ["ref", "alt", "carries_alt", "sequence", "reference_sequence", "variant_offset"]

_NAMED = 3
"""Alleles that a warning names."""


def first_difference(examples: pd.DataFrame) -> Numbers:
    """Find the base at which a read with the allele begins to differ from one without it.

    A substitution shows at its own base. A copy that is added to a repeat, or taken from it, shows
    only where the repeat ends, which may be far right of `variant_offset`. Both alleles are
    compared on the reference window, as far as it goes, so the base is the same whether the read
    carries the allele or not, whatever else it carries and whichever errors it has.

    Parameters
    ----------
    examples
        The table of examples.

    Returns
    -------
    ndarray
        0-based index in `sequence`, shape=(examples,): the middle of the tokens that are kept. The
        last base where the alleles do not differ before it.
    """
    return np.array([_differs_at(row) for row in examples[_READ].itertuples()], dtype=np.int64)


def kept_bases(
    middle: Numbers, length: Numbers | int, embedding: EmbeddingSettings
) -> tuple[Numbers, Numbers | int]:
    """Tell which bases of sequences the kept tokens stand for.

    Returns
    -------
    start : ndarray
        0-based index of the first, shape=(n,).
    number
        How many; all `length` where no window is kept.
    """
    tokens = embedding.tokens
    number = np.minimum(tokens.window, length) if isinstance(tokens, Window) else length
    return np.clip(middle - number // 2, 0, length - number), number


def invisible_alleles(examples: pd.DataFrame, embedding: EmbeddingSettings) -> pd.DataFrame:
    """List the carried alleles whose own read equals its reference window in all kept tokens.

    The head gets the same input for such a read and for the reference.

    Returns
    -------
    DataFrame
        Rows of the examples.
    """
    own = examples[examples["carries_alt"] & ~examples.duplicated(ALLELE)]
    if own.empty:
        return own
    length = len(own["sequence"].iloc[0])
    start, number = kept_bases(first_difference(own), length, embedding)
    pairs = zip(own["sequence"], own["reference_sequence"], start, strict=True)
    same = [read[at : at + number] == window[at : at + number] for read, window, at in pairs]
    return own[np.array(same, dtype=bool)]


def notes(examples: pd.DataFrame, embedding: EmbeddingSettings) -> list[str]:
    """Say which alleles the head cannot see; nothing where it sees all.

    Returns
    -------
    list of str
        At most one sentence, with what to do.
    """
    unseen = invisible_alleles(examples, embedding)
    if unseen.empty:
        return []
    _, number = kept_bases(np.zeros(1, np.int64), len(unseen["sequence"].iloc[0]), embedding)
    names = unseen[["contig", "position"]].head(_NAMED).itertuples(index=False, name=None)
    more = ", ..." if len(unseen) > _NAMED else ""
    told = (
        f"the head cannot see {len(unseen):,} of the alleles "
        f"({', '.join(f'{contig}:{position}' for contig, position in names)}{more}): their read "
        f"equals the reference in all {number} tokens that are kept; raise "
        "model.embedding.tokens.window or data.read_length"
    )
    return [told]


def _differs_at(row: Any) -> int:
    ref, alt, window, offset = row.ref, row.alt, row.reference_sequence, row.variant_offset
    if ref[:1] != alt[:1]:  # nearly always
        return int(offset)
    rest = window[offset + len(ref) :]
    pairs = enumerate(zip(ref + rest, alt + rest, strict=False), start=offset)
    found = next((at for at, (one, other) in pairs if one != other), None)
    if found is None:  # behind a long deletion only the read has more bases
        found = min(offset + len(alt + rest), len(window) - 1)
        while row.carries_alt and found < len(window) - 1 and row.sequence[found] == window[found]:
            found += 1
    return int(found)
