"""The table of examples: one row per (read, allele), the border between extract and the rest."""

from pathlib import Path

import pandas as pd

from evoflow.files.atomic import new_file

COLUMNS = {
    "individual": "str",
    "contig": "str",
    "position": "int64",
    "ref": "str",
    "alt": "str",
    "rsid": "str",
    "clinvar_id": "str",
    "clinical_significance": "str",
    "review_status": "str",
    "origin": "str",
    "gene": "str",
    "consequence": "str",
    "impact": "str",
    "impact_score": "int64",
    "genotype": "str",
    "carries_alt": "bool",
    "other_alleles": "int64",
    "read_name": "str",
    "strand": "str",
    "mapping_quality": "int64",
    "sequence": "str",
    "reference_sequence": "str",
    "variant_offset": "int64",
    "reference_start": "int64",
    "reference_end": "int64",
}
"""Column names and pandas dtypes, in order.

`contig` is spelled as in the reference; `position` is 1-based and, with `ref` and `alt`, follows
VCF (left-aligned; indels keep the base before them). `sequence` has `read_length` upper-case
bases in the reference's forward orientation and `sequence[variant_offset:]` starts with `alt`
where `carries_alt`, else with `ref`; where another allele of the individual lies within an indel's
repeat it may differ there. `other_alleles` counts the further alleles of the individual that
`sequence` carries, in ClinVar or not; without `carries_alt` there is none. `reference_sequence` is
the reference from the base to which the first base of `sequence` is aligned. The whole `sequence`
is aligned to the reference from `reference_start` to `reference_end` (0-based, half-open).
`strand` is that of the read (`+` or `-`). `clinical_significance`, `review_status` and `origin` are
ClinVar's `CLNSIG`, `CLNREVSTAT` and `ORIGIN` as they stand in the file; empty where it has none.
"""

ALLELE = ["individual", "contig", "position", "ref", "alt"]
"""Columns that identify an allele of an individual; its first row is its own read."""

_ROWS_AT_ONCE = 5_000
"""Rows whose JSON is in memory at once."""


def write_jsonl(examples: pd.DataFrame, path: Path) -> None:
    """Write the table as JSON lines, one example a line, columns in order; all of it or nothing."""
    with new_file(path) as beside, beside.open("w", encoding="utf-8") as file:
        for first in range(0, len(examples), _ROWS_AT_ONCE):
            rows = examples.iloc[first : first + _ROWS_AT_ONCE]
            rows.to_json(file, orient="records", lines=True)
