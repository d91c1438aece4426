"""ClinVar's germline classification as a label: pathogenic 1, benign 0.

The review status counts as stars (https://www.ncbi.nlm.nih.gov/clinvar/docs/review_status/).
"""

import numpy as np
import pandas as pd
import pysam

from evoflow.errors import InputError
from evoflow.files.htslib import quiet

STARS = {
    "practice_guideline": 4,
    "reviewed_by_expert_panel": 3,
    "criteria_provided,_multiple_submitters,_no_conflicts": 2,
    "criteria_provided,_multiple_submitters": 2,
    "criteria_provided,_conflicting_classifications": 1,
    "criteria_provided,_conflicting_interpretations": 1,
    "criteria_provided,_single_submitter": 1,
}
"""Stars of each value of `CLNREVSTAT`; all others have none."""

CLASSES = {
    "Pathogenic": 1.0,
    "Likely_pathogenic": 1.0,
    "Pathogenic/Likely_pathogenic": 1.0,
    "Benign": 0.0,
    "Likely_benign": 0.0,
    "Benign/Likely_benign": 0.0,
}
"""Label of each value of `CLNSIG` that gives one."""

GERMLINE = 1
"""The bit of `ORIGIN` that says that an allele was seen in the germline."""

_UNCLASSIFIED = r"\.?|not_provided|no_classification.*"
_UNCERTAIN = "its classification is uncertain"
_CONFLICTING = "its classifications conflict"
_NONE = "ClinVar does not classify it"
_OTHER = "it has another classification (drug response, risk factor, low penetrance, ...)"


def classify(
    significance: pd.Series, review: pd.Series, origin: pd.Series, *, min_stars: int
) -> tuple[pd.Series, pd.Series]:
    """Label alleles.

    Parameters
    ----------
    significance, review, origin
        ClinVar's `CLNSIG`, `CLNREVSTAT` and `ORIGIN` of each allele; empty or `.` where missing.
        `CLNSIG` is the germline classification, so an allele without an origin is taken as one.
    min_stars
        Fewest stars of an allele with a label.

    Returns
    -------
    label : Series
        1 for pathogenic or likely so, 0 for benign or likely so, NaN for all others.
    reason : Series
        Why an allele has no label; empty where it has one.
    """
    label = significance.map(CLASSES).astype("float64")
    stars = review.map(STARS).fillna(0)
    bits = pd.to_numeric(origin, errors="coerce").fillna(GERMLINE).astype("int64")
    reason = np.select(
        [
            significance.str.fullmatch(_UNCLASSIFIED),
            significance.str.startswith("Uncertain"),
            significance.str.startswith("Conflicting"),
            label.isna(),
            bits & GERMLINE == 0,
            stars < min_stars,
        ],
        [
            _NONE,
            _UNCERTAIN,
            _CONFLICTING,
            _OTHER,
            "ORIGIN does not say germline",
            f"its review status has fewer than {min_stars} stars",
        ],
        "",
    )
    reasons = pd.Series(reason, label.index, dtype="str")
    return label.where(reasons == ""), reasons


def check_fields(clinvar: str, *, min_stars: int) -> list[str]:
    """Check that ClinVar's file has what the labels need; return warnings.

    Raises
    ------
    InputError
        When it has no classification or no review status.
    """
    with quiet(), pysam.VariantFile(clinvar) as variants:
        fields = set(variants.header.info)
    needed = ["CLNSIG", *(["CLNREVSTAT"] if min_stars else [])]
    missing = [field for field in needed if field not in fields]
    if missing:
        raise InputError(
            f"{clinvar}: has no INFO field {' or '.join(missing)}, which the target pathogenicity "
            "needs; give ClinVar's own VCF (clinvar.vcf.gz of NCBI)"
        )
    if "ORIGIN" in fields:
        return []
    return [f"{clinvar}: has no INFO field ORIGIN; every classification is taken as germline"]
