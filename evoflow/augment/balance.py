"""Training rows in which rare labels are less rare."""

import numpy as np
import pandas as pd

from evoflow.augment.strands import turnable
from evoflow.augment.strata import strata
from evoflow.labels.target import LABEL
from evoflow.settings import BalanceSettings
from evoflow.table import ALLELE

SOURCES = ["own read", "carrier read", "copy"]
"""Where a training row comes from, in the order in which balancing turns to them."""

VARIANT = ["contig", "position", "ref", "alt"]
"""Columns that identify an allele, whoever carries it."""


def balance(examples: pd.DataFrame, settings: BalanceSettings, *, seed: int) -> pd.DataFrame:
    """List the rows that the head learns from, with more of the rare labels (see `strata`).

    Every allele of the training split gives the own read of everybody who carries it. A label
    with fewer rows than it should have then gets further carrier reads, evenly over its alleles;
    then copies, evenly over its rows. Within a label all alleles weigh the same, however many
    people carry them and however many reads they give.

    Every other row is turned to the reverse complement where that keeps read and reference window
    aligned, whatever its label; copies of a read take turns.

    Parameters
    ----------
    examples
        The table of examples with `label` and `split`.
    settings
        How many rows each label should have.
    seed
        Decides which reads are taken first and which are turned.

    Returns
    -------
    DataFrame
        Columns `example` (row number in `examples`), `reverse_complement`, `source` (one of
        `SOURCES`) and `weight` (of the row in the loss; mean 1), sorted by example.
    """
    numbers = np.flatnonzero(examples["split"] == "train")
    train = examples.iloc[numbers].assign(
        example=numbers,
        own=~examples.iloc[numbers].duplicated(ALLELE),
        stratum=strata(examples[LABEL]).iloc[numbers],
    )
    variants = train.drop_duplicates([*VARIANT, "stratum"])
    counts = variants["stratum"].value_counts().sort_index()
    wished = _wished(counts, settings)
    rng = np.random.default_rng(seed)
    coin = rng.random(len(examples)) < 0.5
    by_rows = settings.by == "rows"
    picked = pd.concat(
        [
            _rows_of(train[train["stratum"] == stratum], rows, rng, by_rows=by_rows)
            for stratum, rows in wished.items()
        ]
    )
    rows = picked.sort_values(["example", "source"], kind="stable")
    number = rows["example"].to_numpy()
    odd = rows.groupby("example").cumcount().to_numpy() % 2 == 1
    aligned = pd.Series(turnable(train).to_numpy(), index=numbers).loc[number].to_numpy()
    columns = {
        "example": number,
        "reverse_complement": (coin[number] != odd) & aligned,
        "source": rows["source"].astype("str").to_numpy(),
        "weight": (rows["weight"] / rows["weight"].mean()).to_numpy(),
    }
    return pd.DataFrame(columns)


def _wished(counts: pd.Series, settings: BalanceSettings) -> pd.Series:
    """Rows that each label should have, given the alleles it has."""
    evenness = 1.0 if settings.target == "uniform" else settings.target
    rows: pd.Series = np.ceil(counts.max() * (counts / counts.max()) ** (1 - evenness))
    return rows.astype("int64")


def _rows_of(
    train: pd.DataFrame, wished: int, rng: np.random.Generator, *, by_rows: bool
) -> pd.DataFrame:
    """Own reads, then as many rows of each further source as are still wanted."""
    rows = train[train["own"]].assign(source=SOURCES[0])
    if by_rows:
        further = _evenly(train[~train["own"]], rng).iloc[: max(0, wished - len(rows))]
        rows = pd.concat([rows, further.assign(source=SOURCES[1])])
        order = np.resize(rng.permutation(len(rows)), max(0, wished - len(rows)))
        rows = pd.concat([rows, rows.iloc[order].assign(source=SOURCES[2])])
    alleles = rows.groupby(VARIANT, sort=False)["example"]
    weight = wished / alleles.ngroups / alleles.transform("size").to_numpy()
    source = pd.Categorical(rows["source"], SOURCES, ordered=True)
    return pd.DataFrame({"example": rows["example"], "source": source, "weight": weight})


def _evenly(reads: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Order reads so that the first of every allele come before any second."""
    shuffled = reads.iloc[rng.permutation(len(reads))]
    turn = shuffled.groupby(VARIANT).cumcount().to_numpy()
    return shuffled.iloc[np.argsort(turn, kind="stable")]
