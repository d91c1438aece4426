"""What the cards count: examples by split and impact, training rows by source, reasons."""

from collections.abc import Mapping

import pandas as pd

from evoflow.augment.balance import SOURCES
from evoflow.augment.leaks import SET_ASIDE, SIDES
from evoflow.augment.strata import strata
from evoflow.impact import SCORES
from evoflow.labels.target import LABEL
from evoflow.settings import HAPLOTYPE
from evoflow.table import ALLELE
from evoflow.train.evaluation.names import spoken

IMPACTS = ["NONE", "MODIFIER", "LOW", "MODERATE", "HIGH"]
"""From harmless to severe."""

SPLITS = [*SIDES, SET_ASIDE]

FEWEST_ALLELES = 10
"""Alleles of an impact below which balancing makes training see little but copies."""

STAGES = ["before balancing", "after balancing"]


def impact_counts(examples: pd.DataFrame, group: str) -> pd.DataFrame:
    """Alleles and reference loci of each impact in every group.

    Columns `group`, `impact`, `rows`, and `made`: how many of the rows are alleles that nobody
    carries, written into the reference.

    Parameters
    ----------
    examples
        The table of examples; an allele counts once, however many reads it has.
    group
        A column of the table, such as `split`.
    """
    alleles = examples.drop_duplicates(ALLELE)
    groups = sorted(alleles[group].unique())
    if group == "split" and set(groups) <= set(SPLITS):
        groups = SPLITS
    made = alleles.assign(made=alleles["individual"] == HAPLOTYPE)
    counts = made.groupby([group, "impact"]).agg(rows=("made", "size"), made=("made", "sum"))
    order = [
        (name, impact) for name in groups for impact in IMPACTS if (name, impact) in counts.index
    ]
    return counts.loc[order].reset_index()


def learnt_from(split_counts: pd.DataFrame) -> str:
    """Say what the examples are: alleles that people carry, made haplotypes, reference loci."""
    loci = int(split_counts.loc[split_counts["impact"] == "NONE", "rows"].sum())
    made = int(split_counts["made"].sum())
    carried = int(split_counts["rows"].sum()) - loci - made
    parts = [f"{carried:,} carried alleles"]
    parts += [f"{made:,} ClinVar alleles written into the reference"] if made else []
    parts += [f"{loci:,} reference loci"] if loci else []
    return ", ".join(parts)


def by_impact(counts: pd.DataFrame, group: str) -> pd.DataFrame:
    """One row a group, one column an impact: the wide form of `impact_counts`."""
    wide = counts.pivot_table(
        index=group, columns="impact", values="rows", aggfunc="sum", fill_value=0, sort=False
    )
    return wide[[impact for impact in IMPACTS if impact in wide]].reset_index()


def balance_counts(examples: pd.DataFrame, training_rows: pd.DataFrame) -> pd.DataFrame:
    """Training rows by score, before and after balancing: `score`, `stage`, `source`, `rows`.

    Scores are the labels; of many different ones the medians of their fifths.

    Parameters
    ----------
    examples
        The table of examples.
    training_rows
        Columns `example` (row numbers of `examples`) and `source` (one of `SOURCES`).
    """
    own = training_rows[training_rows["source"] == SOURCES[0]]["example"].drop_duplicates()
    labels = strata(examples[LABEL]).to_numpy()
    before = pd.DataFrame({"score": labels[own], "source": SOURCES[0]})
    scores = labels[training_rows["example"]]
    after = pd.DataFrame({"score": scores, "source": training_rows["source"].to_numpy()})
    return pd.concat(
        [
            rows.groupby(["score", "source"])
            .size()
            .rename("rows")
            .reset_index()
            .assign(stage=stage)
            for stage, rows in zip(STAGES, (before, after), strict=True)
        ],
        ignore_index=True,
    )


def by_source(balance: pd.DataFrame) -> pd.DataFrame:
    """One row a score, one column a source of the rows after balancing."""
    after = balance[balance["stage"] == STAGES[1]]
    wide = after.pivot_table(
        index="score", columns="source", values="rows", aggfunc="sum", fill_value=0
    )
    return wide[[source for source in SOURCES if source in wide]].reset_index()


def reasons_by_subject(counts: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """For each subject its reasons: `reason`, `count`, `share`, the commonest first.

    Parameters
    ----------
    counts
        The extraction's counts, which are summed over individuals and contigs.
    """
    found = {}
    for subject, rows in counts.groupby("subject", sort=False):
        reasons = rows.groupby("reason", sort=False)["count"].sum().reset_index()
        reasons["share"] = (reasons["count"] / max(reasons["count"].sum(), 1)).map("{:.1%}".format)
        found[str(subject)] = reasons.sort_values("count", ascending=False, kind="stable")
    return found


def hardly_trained(split_counts: pd.DataFrame, balance_counts: pd.DataFrame) -> list[str]:
    """Say which impacts training saw not at all, or in so few alleles that it saw copies.

    Returns
    -------
    list of str
        At most one sentence, with what to do.
    """
    crossed = not split_counts["split"].isin(SPLITS).all()  # all folds but one are learnt from
    learnt = split_counts[crossed | (split_counts["split"] == SIDES[0])]
    train = learnt.groupby("impact")["rows"].sum()
    after = balance_counts[balance_counts["stage"] == STAGES[1]].groupby("score")["rows"].sum()
    missing = []
    for impact in IMPACTS[:0:-1]:
        alleles, rows = int(train.get(impact, 0)), int(after.get(SCORES[impact], 0))
        if alleles == 0:
            missing.append(f"{impact}: none")
        elif alleles < FEWEST_ALLELES:
            missing.append(f"{impact}: {alleles:,} alleles ({rows:,} rows after balancing)")
    if not missing:
        return []
    told = f"Training saw very few alleles of some impacts ({'; '.join(missing)})"
    what_to_do = "Set `haplotypes: 2000` in the data config, or add people."
    return [f"{told}: the head cannot predict these reliably. {what_to_do}"]


def layer_choice(layers: pd.DataFrame) -> str:
    """Say what chose the layer (see `train.layers.side_by_side`)."""
    if layers["validation_spearman"].isna().all():
        return (
            "The validation rows could not choose: their carried alleles have one score, or no "
            "head ranks them. The first layer is used."
        )
    return (
        "The carried alleles of the validation rows choose the layer; the test rows choose nothing."
    )


def left_out(reasons: Mapping[str, str]) -> list[str]:
    """Say which baselines are missing, and why."""
    return [f"No {spoken(name)}: {why}." for name, why in reasons.items()]
