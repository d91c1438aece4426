"""Train, validation and test splits that share no allele, read or sequence."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from evoflow.augment import blocks as units
from evoflow.augment.leaks import SET_ASIDE, SIDES, check_no_leak, shared
from evoflow.augment.strata import strata
from evoflow.errors import InputError
from evoflow.labels.target import LABEL
from evoflow.settings import SplitSettings
from evoflow.table import ALLELE

FEWEST_CONTIGS = 10
"""Contigs with examples from which on whole contigs are split."""

FEWEST_FOLDS = 3
"""One to test on, one to stop by and one to learn from."""

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
    holds too much for that, even blocks. What then lies nearer than two read lengths to a side
    that matters more (test, then validation) is set aside. Labels
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
    shares = np.array([1 - settings.validation - settings.test, settings.validation, settings.test])
    sides, blocks = _divide(examples, settings, shares, read_length, seed)
    sides = _kept_apart(examples, sides, read_length)
    split = examples.assign(split=_names(sides), block=blocks)
    _check_sides(
        split,
        SIDES,
        f"{len(examples.drop_duplicates(ALLELE)):,} alleles and loci lie too close together for a"
        " split",
        "give more regions or individuals, raise data.reference_loci, or lower split.block_size"
        f" (it is {settings.block_size:,}) or data.context",
    )
    check_no_leak(split)
    return split


def assign_folds(
    examples: pd.DataFrame, settings: SplitSettings, *, read_length: int, seed: int
) -> pd.DataFrame:
    """Put every example into one fold of a cross-validation.

    Folds are `settings.folds` groups of the blocks that `assign_splits` makes, or of whole
    contigs where `settings.by` says so (each its own fold without `settings.folds`).

    Returns
    -------
    DataFrame
        The examples with `fold` (0-based), `block`, and `split`, which names the fold.

    Raises
    ------
    InputError
        If there is no example, or fewer than three folds can be made.
    """
    if examples.empty:
        raise InputError("there is no example to split")
    examples = examples.reset_index(drop=True)
    if settings.by == "contig":
        blocks = units.contigs(examples)
        folds = blocks
        if settings.folds:
            own = ~examples.duplicated(ALLELE).to_numpy()
            folds = _allocate(blocks, examples, own, _even(settings.folds), seed)
    else:
        shares = _even(settings.folds or 0)
        folds, blocks = _divide(examples, settings, shares, read_length, seed)
    held = np.unique(folds)
    if len(held) < max(FEWEST_FOLDS, settings.folds or 0):
        raise InputError(
            f"the examples fill {len(held)} folds (model.split.folds is {settings.folds}, by"
            f" {settings.by}); cross-validation needs {FEWEST_FOLDS} or more: lower folds, or give"
            " more regions or individuals"
        )
    fold = np.searchsorted(held, folds)
    return examples.assign(fold=fold, block=blocks, split=[f"fold {n + 1}" for n in fold])


def split_of_fold(
    examples: pd.DataFrame, test: int | None, validation: int, *, read_length: int
) -> pd.DataFrame:
    """Make one fold the test split and one the validation split; the others train.

    What would leak is set aside from training, or from validation, never from test.

    Parameters
    ----------
    examples
        As `assign_folds` gives them.
    test
        The fold to test on; None: no test.
    validation
        The fold that decides when training stops.
    read_length
        Bases of an example.

    Raises
    ------
    InputError
        When the folds share so much that a side is empty.
    """
    fold = examples["fold"].to_numpy()
    sides = np.where(fold == validation, 1, 0)
    sides[fold == test] = 2
    split = examples.assign(split=_names(_kept_apart(examples, sides, read_length)).to_numpy())
    tested = "the head that is kept" if test is None else f"the test of fold {test + 1}"
    _check_sides(
        split,
        SIDES if test is not None else SIDES[:2],
        f"the folds have too many sequences in common, or lie too close together, for {tested}",
        "lower model.split.folds or data.context, give more regions or individuals, or leave out"
        " contigs that are copies of others",
    )
    check_no_leak(split)
    return split


def notes(examples: pd.DataFrame) -> list[str]:
    """Say what a reader must know: sides that lack a label, divided genes, what is set aside."""
    found = []
    used = examples[examples["split"] != SET_ASIDE]
    used = used.assign(stratum=strata(used[LABEL]))
    labels = sorted(used["stratum"].unique())
    for side, rows in used.groupby("split"):
        missing = [f"{label:.4g}" for label in labels if label not in set(rows["stratum"])]
        if missing:
            found.append(f"{side} has no example of score {', '.join(missing)}")
    genes = units.genes(used)
    sides = used["split"].to_numpy()[genes["row"]]
    divided = genes.assign(side=sides).groupby("gene")["side"].nunique()
    names = sorted(divided[divided > 1].index)
    if names:
        found.append(
            f"genes on several sides of the split, because the examples lie too close together to"
            f" keep them whole: {', '.join(names[:5])} ({len(names):,} in all)"
        )
    aside = examples[examples["split"] == SET_ASIDE].drop_duplicates(ALLELE)
    if len(aside):
        found.append(
            f"{len(aside):,} alleles and loci are set aside so that the sides share nothing"
        )
    return found


def _allocate(
    blocks: units.Units,
    examples: pd.DataFrame,
    own: npt.NDArray[np.bool_],
    shares: npt.NDArray[np.float64],
    seed: int,
) -> Sides:
    """Assign whole units to sides, large ones first, so that every label gets near its share.

    A unit goes where it lowers most the squared distance from the wished share of every label
    and of all examples; a rare label weighs as much as a common one.
    """
    counts = units.sizes(blocks[own], strata(examples[LABEL]).to_numpy()[own])
    table = counts.assign(all=counts.sum(axis=1))
    weights = table.to_numpy() / table.sum().to_numpy()  # (units, labels + 1): share of each
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(weights))
    magnitude = np.floor(np.log2(table["all"].to_numpy()[order]))
    held = np.zeros((len(shares), weights.shape[1]))
    side_of_unit = np.zeros(int(blocks.max()) + 1, dtype=np.int64)
    for unit in order[np.argsort(-magnitude, kind="stable")]:
        # Half the change of the squared distance, but for what is the same on each side: (sides,)
        change = (weights[unit] * (held - shares[:, None])).sum(axis=1)
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


def _divide(
    examples: pd.DataFrame,
    settings: SplitSettings,
    shares: npt.NDArray[np.float64],
    read_length: int,
    seed: int,
) -> tuple[Sides, units.Units]:
    """Give every example a side, and the block that goes there as a whole."""
    own = ~examples.duplicated(ALLELE).to_numpy()
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
    return sides, blocks


def _even(folds: int) -> npt.NDArray[np.float64]:
    return np.full(folds, 1 / folds)


def _kept_apart(examples: pd.DataFrame, sides: Sides, read_length: int) -> Sides:
    """Set aside what lies too near to a side that matters more, or shares something with it."""
    return _without_shared(examples, _without_neighbours(examples, sides, read_length))


def _without_neighbours(examples: pd.DataFrame, sides: Sides, read_length: int) -> Sides:
    """Set aside examples that reach as far as one of a side that matters more.

    An example reaches a read's length to either side, and over the reference bases that its read
    skips.
    """
    kept = sides.copy()
    spans = examples["reference_end"] - examples["reference_start"]
    skipped = (spans - examples["sequence"].str.len()).clip(lower=0).to_numpy()
    reach = read_length + skipped
    # Contigs one behind the other on one line, further apart than any two examples reach.
    step = int(examples["position"].max()) + 2 * int(reach.max())
    place = pd.factorize(examples["contig"])[0] * step + examples["position"].to_numpy()
    first, after = place - reach, place + reach
    for side in (2, 1):
        others = np.flatnonzero(kept == side)
        if len(others):
            others = others[np.argsort(first[others])]
            furthest = np.maximum.accumulate(after[others])
            before = np.searchsorted(first[others], after) - 1  # the last that begins before an end
            near = (before >= 0) & (furthest[before] > first)
            kept[near & (kept >= 0) & (kept < side)] = -1
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


def _check_sides(split: pd.DataFrame, sides: Sequence[str], why: str, remedy: str) -> None:
    """Refuse a split with an empty side."""
    empty = [side for side in sides if not (split["split"] == side).any()]
    if empty:
        raise InputError(f"{why} ({' and '.join(empty)} would be empty): {remedy}")
