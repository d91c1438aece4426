"""The table of examples with what a head learns, and with users' columns."""

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from evoflow.errors import InputError
from evoflow.extract.examples import Extraction, extract_examples
from evoflow.extract.vcf.normalise import KEY
from evoflow.labels import pathogenicity
from evoflow.labels.allele_values import NO_VALUES, AlleleValues
from evoflow.labels.target import LABEL
from evoflow.settings import DataSettings, TargetSettings
from evoflow.table import ALLELE

SUBJECT = "allele to be labelled"
_PLACE = ["contig", *KEY]

_IMPACT = TargetSettings()


def labelled_examples(
    data: DataSettings,
    target: TargetSettings = _IMPACT,
    values: AlleleValues = NO_VALUES,
    *,
    processes: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Extraction:
    """Make the examples that have a label.

    For the impact every example has one, reference reads 0. Any other target is about alleles: no
    reference read is taken, `haplotypes` are drawn from the alleles with a label, and carried
    alleles without one are left out and counted.

    Parameters
    ----------
    data
        The inputs, as `preflight.check` accepts them.
    target
        What the label is.
    values
        Users' columns; with the target `column` the label is one of them.
    processes, progress
        As for `extract_examples`.

    Returns
    -------
    Extraction
        The table of examples with `label` and a column for each of the users'.

    Raises
    ------
    InputError
        As `extract_examples` does, and when no two alleles have different labels.
    """
    wanted = data if target.kind == "impact" else data.model_copy(update={"reference_loci": 0})
    extraction = extract_examples(
        wanted,
        labelled=_drawable(target, values),
        processes=processes,
        progress=progress,
    )
    examples = extraction.examples
    if len(values.table.columns) > len(_PLACE):
        examples = examples.merge(values.table, on=_PLACE, how="left")
    counts = [values.counts.assign(individual="", contig="")]
    if target.kind == "impact":
        examples = examples.assign(**{LABEL: examples["impact_score"]})
    else:
        examples, reasons = _labelled(examples, target)
        counts.append(reasons)
    every = pd.concat([extraction.counts, *counts], ignore_index=True)
    return Extraction(examples, every[extraction.counts.columns].astype({"count": "int64"}))


def _drawable(
    target: TargetSettings, values: AlleleValues
) -> Callable[[str, pd.DataFrame], npt.NDArray[np.bool_]] | None:
    """Tell which of ClinVar's alleles may be drawn for `haplotypes`; None: all."""
    if target.pathogenicity is not None:
        return partial(_is_classified, min_stars=target.pathogenicity.min_stars)
    if target.column is not None:
        return partial(_is_valued, labels=values.table[[*_PLACE, LABEL]].dropna())
    return None


def _is_classified(_: str, alleles: pd.DataFrame, min_stars: int) -> npt.NDArray[np.bool_]:
    label, _reasons = pathogenicity.classify(
        alleles["significance"], alleles["review"], alleles["origin"], min_stars=min_stars
    )
    return label.notna().to_numpy()


def _is_valued(contig: str, alleles: pd.DataFrame, labels: pd.DataFrame) -> npt.NDArray[np.bool_]:
    valued = labels.loc[labels["contig"] == contig, KEY]
    return pd.MultiIndex.from_frame(alleles[KEY]).isin(pd.MultiIndex.from_frame(valued))


def _labelled(examples: pd.DataFrame, target: TargetSettings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep the examples with a label; count why others have none."""
    if target.pathogenicity is not None:
        label, reasons = pathogenicity.classify(
            examples["clinical_significance"],
            examples["review_status"],
            examples["origin"],
            min_stars=target.pathogenicity.min_stars,
        )
        examples = examples.assign(**{LABEL: label})
    else:
        reasons = examples[LABEL].isna().map({True: "it has no value", False: ""})
    alleles = examples.assign(reason=reasons.replace("", "kept")).drop_duplicates(ALLELE)
    counts = alleles.groupby(["individual", "contig", "reason"]).size().rename("count")
    kept = examples[reasons == ""].reset_index(drop=True)
    if kept.empty or np.ptp(kept[LABEL]) == 0:
        why = "; ".join(
            f"{number:,}: {reason}" for reason, number in alleles["reason"].value_counts().items()
        )
        only = f" (all are {kept[LABEL].iloc[0]:g})" if len(kept) else ""
        raise InputError(
            f"the target {target.kind} needs alleles with different labels, but of"
            f" {len(alleles):,} alleles {int((alleles['reason'] == 'kept').sum()):,} have one"
            f"{only} ({why}): set data.haplotypes, which adds alleles of ClinVar that nobody"
            " carries, or give more regions or people"
        )
    return kept, counts.reset_index().assign(subject=SUBJECT)
