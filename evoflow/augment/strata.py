"""Groups of labels that a split spreads evenly and that balancing makes equally common."""

import pandas as pd

MOST_VALUES = 10
"""Different labels up to which each is a group of its own."""

GROUPS = 5


def strata(label: pd.Series) -> pd.Series:
    """Group labels: few different ones as they are, many into fifths of as many rows.

    A label that more than a fifth of the rows have is a group of its own, and the others are
    divided without it.

    Returns
    -------
    Series
        The label itself, or the median of its fifth.
    """
    if label.nunique() <= MOST_VALUES:
        return label
    rest = label[~common(label, GROUPS)]
    group = pd.qcut(rest, GROUPS, labels=False, duplicates="drop")
    return rest.groupby(group).transform("median").reindex(label.index).fillna(label)


def common(label: pd.Series, parts: int) -> pd.Series:
    """Tell which rows have a label that fills more than one of so many equal parts."""
    return label.map(label.value_counts()) * parts > len(label)
