"""The table of examples: one row per (read, allele), the border between extract and the rest."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

COLUMNS = {
    "individual": "str",
    "contig": "str",
    "position": "int64",
    "ref": "str",
    "alt": "str",
    "rsid": "str",
    "clinvar_id": "str",
    "clinical_significance": "str",
    "gene": "str",
    "consequence": "str",
    "impact": "str",
    "impact_score": "int64",
    "genotype": "str",
    "carries_alt": "bool",
    "read_name": "str",
    "strand": "str",
    "mapping_quality": "int64",
    "sequence": "str",
    "reference_sequence": "str",
    "variant_offset": "int64",
}
"""Column names and pandas dtypes, in order.

`contig` is spelled as in the reference; `position` is 1-based and, with `ref` and `alt`, follows
VCF (left-aligned; indels keep the base before them). `sequence` has `read_length` upper-case
bases in the reference's forward orientation and `sequence[variant_offset:]` starts with `alt`
where `carries_alt`, else with `ref`. `reference_sequence` is the reference from the base to which
the first base of `sequence` is aligned. `strand` is that of the read (`+` or `-`).
"""

ALLELE = ["individual", "contig", "position", "ref", "alt"]
"""Columns that identify an allele of an individual; its first row is its own read."""


@dataclass(frozen=True)
class Extraction:
    """What `extract` leaves.

    Attributes
    ----------
    examples
        The table of examples (`COLUMNS`), sorted by individual, contig, position, ref and alt; an
        allele's own read comes first, then its further carrier reads.
    counts
        Columns `individual`, `contig`, `subject`, `reason`, `count`: why each variant and each
        read was kept or dropped. For each subject the counts add up to all that were looked at.
    """

    examples: pd.DataFrame
    counts: pd.DataFrame


def write_jsonl(examples: pd.DataFrame, path: Path) -> None:
    """Write the table as JSON lines, one example a line, columns in order."""
    examples.to_json(path, orient="records", lines=True)
