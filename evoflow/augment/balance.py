"""Training rows in which rare scores are less rare."""

import numpy as np
import pandas as pd

from evoflow.augment.strands import turnable
from evoflow.settings import BalanceSettings
from evoflow.table import ALLELE

SOURCES = ["own read", "carrier read", "reverse complement", "copy"]
"""Where a training row comes from, in the order in which balancing turns to them."""


def balance(examples: pd.DataFrame, settings: BalanceSettings, *, seed: int) -> pd.DataFrame:
    """List the rows that the head learns from, with more of the rare scores.

    Every allele of the training split gives its own read. A score with fewer rows than it should
    have then gets further carrier reads, evenly over its alleles; then reverse complements; then
    copies, evenly over its rows.

    Parameters
    ----------
    examples
        The table of examples with `split`.
    settings
        How many rows each score should have.
    seed
        Decides which reads are taken first.

    Returns
    -------
    DataFrame
        Columns `example` (row number in `examples`), `reverse_complement`, `source` (one of
        `SOURCES`) and `weight` (of the row in the loss; mean 1), sorted by example.
    """
    numbers = np.flatnonzero(examples["split"] == "train")
    train = examples.iloc[numbers].assign(
        example=numbers, own=~examples.iloc[numbers].duplicated(ALLELE)
    )
    counts = train.loc[train["own"], "impact_score"].value_counts().sort_index()
    wished = _wished(counts, settings)
    rng = np.random.default_rng(seed)
    by_rows = settings.by == "rows"
    picked = pd.concat(
        [
            _rows_of_score(train[train["impact_score"] == score], rows if by_rows else 0, rng)
            for score, rows in wished.items()
        ]
    )
    rows = picked.sort_values(["example", "reverse_complement", "source"], kind="stable")
    scores = examples["impact_score"].to_numpy()[rows["example"]]
    factor = 1.0 if by_rows else (wished / counts).loc[scores].to_numpy()
    weight = np.ones(len(rows)) * factor
    rows = rows.assign(weight=weight / weight.mean(), source=rows["source"].astype("str"))
    return rows.reset_index(drop=True)


def _wished(counts: pd.Series, settings: BalanceSettings) -> pd.Series:
    """Rows that each score should have, given those it has."""
    most = counts.max()
    evenness = 1.0 if settings.target == "uniform" else settings.target
    share = (counts / most) ** (1 - evenness)
    rows: pd.Series = np.ceil(most * share.clip(lower=settings.minimum_share))
    return rows.astype("int64")


def _rows_of_score(train: pd.DataFrame, wished: int, rng: np.random.Generator) -> pd.DataFrame:
    """Own reads, then as many rows of each further source as are still wanted."""
    own = train[train["own"]]
    taken = [_rows(own, "own read")]
    wanted = max(0, wished - len(own))
    further = _evenly(train[~train["own"]], rng).iloc[:wanted]
    taken.append(_rows(further, "carrier read"))
    wanted -= len(further)
    if wanted:
        reads = pd.concat([own, further])
        turned = _evenly(reads[turnable(reads)], rng).iloc[:wanted]
        taken.append(_rows(turned, "reverse complement", reverse_complement=True))
        wanted -= len(turned)
    if wanted:
        rows = pd.concat(taken)
        order = np.resize(rng.permutation(len(rows)), wanted)
        taken.append(rows.iloc[order].assign(source="copy"))
    rows = pd.concat(taken)
    return rows.assign(source=pd.Categorical(rows["source"], SOURCES, ordered=True))


def _evenly(reads: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Order reads so that the first of every allele come before any second."""
    shuffled = reads.iloc[rng.permutation(len(reads))]
    turn = shuffled.groupby(ALLELE).cumcount().to_numpy()
    return shuffled.iloc[np.argsort(turn, kind="stable")]


def _rows(reads: pd.DataFrame, source: str, *, reverse_complement: bool = False) -> pd.DataFrame:
    columns = {"example": reads["example"], "reverse_complement": reverse_complement}
    return pd.DataFrame(columns).assign(source=source)
