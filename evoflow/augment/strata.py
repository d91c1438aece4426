"""Groups of labels that a split spreads evenly and that balancing makes equally common."""

import pandas as pd

MOST_VALUES = 10
"""Different labels up to which each is a group of its own."""

GROUPS = 5


def strata(label: pd.Series) -> pd.Series:
    """Group labels: few different ones as they are, many into fifths of as many rows.

    Returns
    -------
    Series
        The label itself, or the median of its fifth.
    """
    if label.nunique() <= MOST_VALUES:
        return label
    group = pd.qcut(label, GROUPS, labels=False, duplicates="drop")
    medians: pd.Series = label.groupby(group).transform("median")
    return medians
