"""Units of the genome that a split must not divide, and how they are found."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Units = npt.NDArray[np.int64]
"""The unit's number of every example, shape=(examples,)."""

SEPARATOR = r"[|,;&]"
"""Between the symbols of an example that lies in several genes."""

GENELESS = 1_000_000
"""Bases of an independent unit where no gene is known."""


def contigs(examples: pd.DataFrame) -> Units:
    """Whole contigs; those that share a gene (X and Y) are one unit."""
    return _joined_by_gene(examples, pd.factorize(examples["contig"])[0])


def gene_blocks(examples: pd.DataFrame, block_size: int, gap: int) -> Units:
    """Stretches of `block_size` bases or more, cut only where no example lies for `gap` bases.

    Stretches that share a gene are one unit, so a gene always stays whole.
    """
    return _joined_by_gene(examples, _clusters(examples, block_size, gap))


def even_blocks(examples: pd.DataFrame, block_size: int) -> Units:
    """Blocks of exactly `block_size` bases, whatever they cut."""
    blocks = list(zip(examples["contig"], (examples["position"] - 1) // block_size, strict=True))
    return pd.factorize(pd.MultiIndex.from_tuples(blocks))[0].astype(np.int64)


def independent_units(examples: pd.DataFrame) -> Units:
    """Genes within the blocks of a split; where no gene is known, stretches of `GENELESS` bases.

    Rows in several genes join these into one unit. Units are what intervals count: rows of one
    gene are alike, whole blocks would be needlessly few.

    Parameters
    ----------
    examples
        The table of examples with `block`.
    """
    stretch = (examples["position"] - 1) // GENELESS
    places = pd.MultiIndex.from_arrays([examples["block"], examples["contig"], stretch])
    found = genes(examples)
    block = examples["block"].to_numpy()[found["row"]]
    codes, symbols = pd.factorize(pd.MultiIndex.from_arrays([block, found["gene"]]))
    # A row without a gene hangs on its place, the others each on a node of their own.
    nodes = pd.factorize(places)[0]
    named = np.unique(found["row"])
    nodes[named] = nodes.max() + 1 + np.arange(len(named))
    return _components(nodes, nodes[found["row"]], codes, len(symbols))


def genes(examples: pd.DataFrame) -> pd.DataFrame:
    """Columns `row` and `gene`: one row for every gene in which an example lies."""
    symbols = examples["gene"].reset_index(drop=True).str.split(SEPARATOR, regex=True).explode()
    symbols = symbols[symbols.fillna("").str.strip() != ""].str.strip()
    return pd.DataFrame({"row": symbols.index.to_numpy(), "gene": symbols.to_numpy()})


def _clusters(examples: pd.DataFrame, block_size: int, gap: int) -> Units:
    """Cut each contig at the first empty stretch of `gap` bases after every `block_size`."""
    loci = examples[["contig", "position"]].drop_duplicates().sort_values(["contig", "position"])
    numbers: dict[tuple[str, int], int] = {}
    unit = -1
    contig, start, previous = "", 0, 0
    for locus in zip(loci["contig"], loci["position"], strict=True):
        position = int(locus[1])
        ends = position - start >= block_size and position - previous >= gap
        if unit < 0 or locus[0] != contig or ends:
            unit, contig, start = unit + 1, locus[0], position
        numbers[locus] = unit
        previous = position
    keys = zip(examples["contig"], examples["position"], strict=True)
    return np.array([numbers[key] for key in keys], dtype=np.int64)


def _joined_by_gene(examples: pd.DataFrame, units: npt.NDArray[np.integer]) -> Units:
    """Make units with a gene in common one unit."""
    found = genes(examples)
    codes, symbols = pd.factorize(found["gene"])
    return _components(units, units[found["row"]], codes, len(symbols))


def _components(
    units: npt.NDArray[np.integer],
    left: npt.NDArray[np.integer],
    right: npt.NDArray[np.integer],
    others: int,
) -> Units:
    """Renumber units so that those connected through `right` nodes get one number."""
    count = int(units.max()) + 1
    nodes = count + others
    edges = coo_array((np.ones(len(left), dtype=bool), (left, right + count)), shape=(nodes, nodes))
    _, component = connected_components(edges, directed=False)
    return np.asarray(component[units], dtype=np.int64)


def sizes(units: Units, labels: Sequence[int] | npt.NDArray[np.generic]) -> pd.DataFrame:
    """Examples of each label in every unit: one row per unit, one column per label."""
    return pd.crosstab(units, np.asarray(labels))
