"""Train, validation and test, with nothing of one in another."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from evoflow.augment import blocks as units
from evoflow.augment.leaks import SET_ASIDE, SIDES, check_no_leak, shared
from evoflow.errors import InputError
from evoflow.settings import SplitSettings
from evoflow.table import ALLELE

FEWEST_CONTIGS = 10
"""Contigs with examples from which on whole contigs are split."""

EVEN_BLOCKS = 20
"""Blocks of a region that is too dense, or too small, to be cut between genes."""

Sides = npt.NDArray[np.int64]
"""Index into `SIDES` of every unit or example; -1: set aside."""


def assign_splits(
    examples: pd.DataFrame, settings: SplitSettings, *, read_length: int, seed: int
) -> pd.DataFrame:
    """Put every example on one side of the split.

    Whole contigs are divided where examples lie on ten or more; else blocks of `block_size`
    between genes, at stretches of two read lengths without an example; else, where one gene
    holds too much for that, even blocks with such a stretch set aside at every border. Scores
    are spread over the sides in proportion, as far as the units allow. An allele of which a read
    or a sequence recurs on another side is set aside: from training first, from test never.

    Parameters
    ----------
    examples
        The table of examples.
    settings
        Shares of the sides and the size of a block.
    read_length
        Bases of an example.
    seed
        Decides between divisions that are equally good.

    Returns
    -------
    DataFrame
        The examples with `split` (`train`, `validation`, `test`, or `gap` where set aside) and
        `block`, the number of the unit that an example belongs to.

    Raises
    ------
    InputError
        When the examples lie too close together for three sides.
    """
    if examples.empty:
        raise InputError("there is no example to split")
    examples = examples.reset_index(drop=True)
    own = ~examples.duplicated(ALLELE).to_numpy()
    shares = np.array([1 - settings.validation - settings.test, settings.validation, settings.test])
    gap = 2 * read_length
    blocks = units.contigs(examples)
    sides = _allocate(blocks, examples, own, shares, seed)
    if len(np.unique(blocks)) < FEWEST_CONTIGS or not _fits(sides[own], shares):
        blocks = units.gene_blocks(examples, settings.block_size, gap)
        sides = _allocate(blocks, examples, own, shares, seed)
    if not _fits(sides[own], shares):
        size = _even_block_size(examples, settings.block_size, gap)
        blocks = units.even_blocks(examples, size)
        sides = _allocate(blocks, examples, own, shares, seed)
        sides = _without_borders(examples, sides, size, read_length)
    sides = _without_shared(examples, sides)
    _check_sides(sides[own], settings)
    split = examples.assign(split=_names(sides), block=blocks)
    check_no_leak(split)
    return split


def notes(examples: pd.DataFrame) -> list[str]:
    """Say what a reader must know: sides that lack a score, divided genes, what is set aside."""
    found = []
    used = examples[examples["split"] != SET_ASIDE]
    scores = sorted(used["impact_score"].unique())
    for side, rows in used.groupby("split"):
        missing = [str(score) for score in scores if score not in set(rows["impact_score"])]
        if missing:
            found.append(f"{side} has no example of score {', '.join(missing)}")
    genes = units.genes(used)
    sides = used["split"].to_numpy()[genes["row"]]
    divided = genes.assign(side=sides).groupby("gene")["side"].nunique()
    names = sorted(divided[divided > 1].index)
    if names:
        found.append(
            f"genes on several sides, as the examples lie too close together to keep them whole:"
            f" {', '.join(names[:5])} ({len(names):,} in all)"
        )
    aside = examples[examples["split"] == SET_ASIDE].drop_duplicates(ALLELE)
    if len(aside):
        found.append(f"{len(aside):,} alleles and loci are set aside to keep the sides apart")
    return found


def _allocate(
    blocks: units.Units,
    examples: pd.DataFrame,
    own: npt.NDArray[np.bool_],
    shares: npt.NDArray[np.float64],
    seed: int,
) -> Sides:
    """Give whole units to sides, large ones first, so that every score nears its share.

    A unit goes where it lowers most the squared distance from the wished share of every score
    and of all examples; a rare score weighs as much as a common one.
    """
    counts = units.sizes(blocks[own], examples["impact_score"].to_numpy()[own])
    table = counts.assign(all=counts.sum(axis=1))
    weights = table.to_numpy() / table.sum().to_numpy()  # (units, scores + 1): share of each
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(weights))
    magnitude = np.floor(np.log2(table["all"].to_numpy()[order]))
    held = np.zeros((len(shares), weights.shape[1]))
    side_of_unit = np.zeros(int(blocks.max()) + 1, dtype=np.int64)
    for unit in order[np.argsort(-magnitude, kind="stable")]:
        # Change of the squared distance when the unit is added to each side: (sides,)
        change = (weights[unit] * (2 * (held - shares[:, None]) + weights[unit])).sum(axis=1)
        side = int(np.argmin(change))
        held[side] += weights[unit]
        side_of_unit[counts.index[unit]] = side
    return side_of_unit[blocks]


def _fits(sides: Sides, shares: npt.NDArray[np.float64]) -> bool:
    """Whether every side holds between half and twice of what it should."""
    held = np.bincount(sides, minlength=len(shares)) / len(sides)
    return bool(np.all((held >= shares / 2) & (held <= 2 * shares)))


def _even_block_size(examples: pd.DataFrame, block_size: int, gap: int) -> int:
    """Small enough for `EVEN_BLOCKS` blocks, large enough to outlast the gaps."""
    spans = examples.groupby("contig")["position"].agg(lambda positions: np.ptp(positions) + 1)
    return int(max(2 * gap, min(block_size, spans.sum() // EVEN_BLOCKS)))


def _without_borders(
    examples: pd.DataFrame, sides: Sides, block_size: int, read_length: int
) -> Sides:
    """Set aside what lies within a read length of a border between two sides."""
    contig = examples["contig"].to_numpy()
    block, into = np.divmod(examples["position"].to_numpy() - 1, block_size)
    side_of = pd.Series(sides, index=pd.MultiIndex.from_arrays([contig, block]))
    side_of = side_of[~side_of.index.duplicated()]
    kept = sides.copy()
    for step, near in ((-1, into < read_length), (1, into >= block_size - read_length)):
        beside = side_of.reindex(pd.MultiIndex.from_arrays([contig, block + step])).to_numpy()
        kept[near & ~np.isnan(beside) & (beside != sides)] = -1
    return kept


def _without_shared(examples: pd.DataFrame, sides: Sides) -> Sides:
    """Set aside the alleles of which something recurs on a side that matters more."""
    found = shared(examples, _names(sides))
    rank = sides[found["row"]]
    most = found.assign(rank=rank).groupby(["kind", "value"])["rank"].transform("max").to_numpy()
    alleles = pd.MultiIndex.from_frame(examples[ALLELE])
    doubtful = alleles[found["row"].to_numpy()[rank < most]]
    return np.where(alleles.isin(doubtful), -1, sides)


def _names(sides: Sides) -> pd.Series:
    return pd.Series(np.array([*SIDES, SET_ASIDE])[sides], dtype="str")


def _check_sides(sides: Sides, settings: SplitSettings) -> None:
    held = np.bincount(sides[sides >= 0], minlength=len(SIDES))
    empty = [name for name, count in zip(SIDES, held, strict=True) if not count]
    if empty:
        raise InputError(
            f"{len(sides):,} alleles and loci lie too close together for a split"
            f" ({' and '.join(empty)} would be empty): give more regions or individuals, raise"
            f" data.reference_loci, or lower split.block_size (it is {settings.block_size:,})"
        )
