"""Predictions as a table or as a VCF."""

from pathlib import Path

import pandas as pd
import pysam

from evoflow.errors import InputError
from evoflow.htslib import quiet

ENDINGS = (".tsv", ".tsv.gz", ".vcf", ".vcf.gz")

INFO = {
    "score": ("EVOFLOW_SCORE", "Float", "Predicted impact, 0 (none) to 10 (high); mean over reads"),
    "score_spread": ("EVOFLOW_SPREAD", "Float", "Standard deviation of the score over reads"),
    "reads": ("EVOFLOW_READS", "Integer", "Carrier reads that were scored"),
    "log_likelihood_ratio": (
        "EVOFLOW_LLR",
        "Float",
        "Natural logarithm of how many times likelier Evo finds the alternate than the reference",
    ),
    "individual": ("EVOFLOW_SAMPLE", "String", "Whose reads were scored"),
}
"""Column of the predictions: INFO field, its type and its description."""


def check_output(path: Path) -> None:
    """Refuse an output that could not be written, before any work.

    Raises
    ------
    InputError
        When the ending is unknown or the folder is not there.
    """
    if not path.name.endswith(ENDINGS):
        raise InputError(f"--output {path}: its name must end in {', '.join(ENDINGS)}")
    if not path.parent.is_dir():
        raise InputError(f"--output {path}: the folder {path.parent} is not there; make it first")


def write_predictions(predictions: pd.DataFrame, path: Path, reference: str) -> None:
    """Write predictions in the form that the file's ending names.

    Parameters
    ----------
    predictions
        Columns `contig`, `position`, `ref`, `alt`, those of `INFO` as far as they are there, and
        any others, which only a table keeps.
    path
        One of `ENDINGS`; `.gz` is bgzipped, and a VCF then has its index beside it.
    reference
        FASTA whose contigs the VCF's header lists; records follow their order.
    """
    if ".tsv" in path.suffixes:
        predictions.to_csv(path, sep="\t", index=False, float_format="%.4f")
    else:
        _write_vcf(predictions, path, reference)


def _write_vcf(predictions: pd.DataFrame, path: Path, reference: str) -> None:
    with quiet(), pysam.FastaFile(reference) as genome:
        contigs = dict(zip(genome.references, genome.lengths, strict=True))
    header = pysam.VariantHeader()
    for name, length in contigs.items():
        header.contigs.add(name, length=length)
    fields = {column: field for column, field in INFO.items() if column in predictions}
    for name, kind, description in fields.values():
        header.info.add(name, 1, kind, description)
    order = {name: number for number, name in enumerate(contigs)}
    ranks = predictions.assign(contig=predictions["contig"].map(order))
    by_position = ranks.sort_values(["contig", "position", "ref", "alt"], kind="stable").index
    with pysam.VariantFile(str(path), "wz" if path.suffix == ".gz" else "w", header=header) as file:
        for row in predictions.loc[by_position].to_dict("records"):
            known = {
                name: row[column]
                for column, (name, _, _) in fields.items()
                if pd.notna(row[column])
            }
            file.write(
                header.new_record(
                    contig=row["contig"],
                    start=row["position"] - 1,
                    alleles=(row["ref"], row["alt"]),
                    id=row.get("variant_id") or row.get("rsid") or None,
                    info=known,
                )
            )
    if path.suffix == ".gz":
        pysam.tabix_index(str(path), preset="vcf", force=True)
