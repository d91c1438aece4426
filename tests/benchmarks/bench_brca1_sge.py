"""Loss of function in BRCA1: a head on saturation genome editing, one exon held out at a time.

    python tests/benchmarks/bench_brca1_sge.py --table sge.tsv --reference hg19.chr17.fa

`--table` is the supplementary table 1 of Findlay et al. (Nature 562, 217, 2018; 3,893 SNVs in 13
exons), saved as text with tabs. Its columns `chromosome`, `position (hg19)`, `reference`, `alt`,
`consequence`, `experiment` (the exon's name starts it), `function.score.mean` and `func.class`
(FUNC, INT, LOF) are used; `--reference` is the FASTA that the positions are of.

Each allele is written into the reference and is the target `column` of the flow's own rooms. Every
exon is tested by a head that learnt from the others; the next exon stops its training. Printed are
the areas under the ROC curve of loss of function (LOF against FUNC and INT), of every model, with
the published ones beside. Alleles that do not fit are counted.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pysam
from sklearn.metrics import roc_auc_score

from evoflow.augment.balance import balance
from evoflow.augment.sequences import held_out, unique_sequences
from evoflow.augment.split import split_of_fold
from evoflow.embed.embedder import Embedder
from evoflow.extract.vcf.normalise import KEY
from evoflow.impact import CONSEQUENCES
from evoflow.labels.check import allele_values, given_columns
from evoflow.labels.examples import labelled_examples
from evoflow.labels.target import target_of
from evoflow.settings import (
    AlleleColumn,
    DataSettings,
    ModelSettings,
    TargetSettings,
    read_model_settings,
)
from evoflow.train.learning import learn

MODEL = Path(__file__).resolve().parents[2] / "config" / "model" / "evo-demo.yaml"
SCORE, CLASS = "function.score.mean", "func.class"
PLACE = ["chromosome", "position (hg19)", "reference", "alt"]
NEEDED = [*PLACE, "consequence", "experiment", SCORE, CLASS]
TERMS = {
    "Missense": "missense_variant",
    "Nonsense": "stop_gained",
    "Synonymous": "synonymous_variant",
    "Intronic": "intron_variant",
    "Splice region": "splice_region_variant",
    "Canonical splice": "splice_donor_variant",
    "5' UTR": "5_prime_UTR_variant",
}
"""The table's consequences; a canonical splice site's donor and acceptor have one impact."""

PUBLISHED = {
    "consequence rule, published": "0.769",
    "Evo 2 7B, zero-shot, published": "0.875-0.891",
}
"""Areas for LOF against FUNC and INT."""


def read_table(path: Path) -> pd.DataFrame:
    """Read the published table: its columns, `exon` and the SO `term` of each SNV."""
    table = pd.read_csv(path, sep="\t", dtype="str", na_filter=False)
    missing = [name for name in NEEDED if name not in table]
    if missing:
        raise SystemExit(f"{path}: has no column {', '.join(missing)}; save the table with tabs")
    names = {name.lower().replace(" ", ""): term for name, term in TERMS.items()}
    term = table["consequence"].str.lower().str.replace(" ", "").map(names)
    if term.isna().any():
        unknown = ", ".join(sorted(set(table["consequence"][term.isna()])))
        raise SystemExit(f"{path}: has an unknown consequence {unknown}")
    exon = table["experiment"].str.extract(r"^(X\d+)", expand=False)
    if exon.isna().any():
        raise SystemExit(f"{path}: the experiment {table['experiment'][exon.isna()].iloc[0]!r} "
                         "does not start with an exon, such as X2")  # fmt: skip
    return table.assign(exon=exon, term=term)


def write_alleles(table: pd.DataFrame, path: Path) -> str:
    """Write the SNVs as the VCF from which examples are drawn, with a made-up RS id each."""
    accessions = {consequence.term: name for name, consequence in CONSEQUENCES.items()}
    lines = ["##fileformat=VCFv4.2"]
    lines += [f"##contig=<ID={name}>" for name in table["chromosome"].unique()]
    lines += [
        f'##INFO=<ID={name},Number=.,Type=String,Description="">'
        for name in ("RS", "MC", "GENEINFO")
    ]
    lines += ["#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]
    rows = table.assign(position=table[PLACE[1]].astype(int)).sort_values("position")
    for number, row in enumerate(rows.to_dict("records"), start=1):
        info = f"RS={number};MC={accessions[row['term']]}|{row['term']};GENEINFO=BRCA1:672"
        place = [row["chromosome"], row["position"], number, row["reference"], row["alt"]]
        lines.append("\t".join(map(str, [*place, ".", ".", info])))
    path.write_text("\n".join(lines) + "\n")
    pysam.tabix_index(str(path), preset="vcf", force=True)
    return f"{path}.gz"


def examples_of(table: pd.DataFrame, source: Path, reference: Path, length: int) -> pd.DataFrame:
    """Take the alleles through the flow's labels, each with its exon and class."""
    with TemporaryDirectory() as folder:
        data = DataSettings(
            reference=str(reference),
            clinvar=write_alleles(table, Path(folder) / "alleles.vcf"),
            haplotypes=len(table),
            read_length=length,
        )
        target = _target(source)
        values, _ = allele_values(given_columns(data, target), data, target)
        examples = labelled_examples(data, target, values).examples
    own = table[PLACE[1:]].set_axis(KEY, axis=1).astype({"position": int})
    own = own.assign(exon=table["exon"], loss=table[CLASS] == "LOF")
    found = examples.merge(own.drop_duplicates(KEY), on=KEY)
    fold = found["exon"].map({exon: n for n, exon in enumerate(sorted(found["exon"].unique()))})
    return found.assign(fold=fold, block=fold, split="fold " + found["exon"])


def run(
    examples: pd.DataFrame, model: ModelSettings, source: Path, length: int
) -> tuple[pd.DataFrame, list[str]]:
    """Train a head for each exon on the others: the predictions of all exons, and the models.

    `zero_shot` is the log-likelihood ratio of allele and reference as it is, without training.
    """
    folds = int(examples["fold"].max()) + 1
    parts = []
    tests = [*((test, (test + 1) % folds) for test in range(folds)), (None, 0)]
    for number, (test, validation) in enumerate(tests):
        split = split_of_fold(examples, test, validation, read_length=length)
        rows = balance(split, model.balance, seed=0).assign(split="train")
        parts.append(pd.concat([rows, held_out(split)]).assign(fold=number))
    wish = model.embedding
    sequences, rows = unique_sequences(examples, pd.concat(parts, ignore_index=True), wish)
    embedded = Embedder.from_settings(model).embed(
        sequences["sequence"].tolist(),
        offsets=sequences["variant_offset"].tolist(),
        layer=wish.layer,
        tokens=wish.tokens,
        stored_dtype=wish.stored_dtype,
    )
    learning = learn(
        examples,
        rows,
        sequences,
        layers={wish.layer: lambda: embedded.values},  # noqa: PD011 - an array
        log_likelihood=embedded.log_likelihood,
        settings=model.head,
        seed=0,
        target=target_of(_target(source)),
        device=model.device,
    )
    tested = rows[rows["split"] == "test"]
    likelihood = embedded.log_likelihood
    ratio = pd.Series(likelihood[tested["read"]] - likelihood[tested["window"]])
    by_example = ratio.groupby(tested["example"].to_numpy()).mean()
    models = ["zero_shot", *learning.evaluation.metrics["all"]]
    return learning.predictions.assign(zero_shot=by_example), models


def areas(predictions: pd.DataFrame, models: list[str]) -> dict[str, float]:
    """Area under the ROC curve of loss of function; a low function score means loss."""
    return {name: roc_auc_score(predictions["loss"], -predictions[name]) for name in models}


def report(table: pd.DataFrame, found: pd.DataFrame, models: list[str]) -> str:
    """Lay out the areas of all models, and the published ones."""
    told = (
        f"{len(found):,} of {len(table):,} SNVs in {found['exon'].nunique()} exons, "
        f"{int(found['loss'].sum()):,} with loss of function; each exon tested by a head that "
        "learnt from the others"
    )
    lines = [told, f"{'model':<32}{'AUROC of LOF against the rest':>30}"]
    named = {
        name.replace("_", " "): f"{area:.3f}" for name, area in areas(found, models).items()
    } | PUBLISHED
    return "\n".join([*lines, *(f"{name:<32}{area:>30}" for name, area in named.items())])


def _target(source: Path) -> TargetSettings:
    return TargetSettings(column=AlleleColumn(file=str(source), name=SCORE, allele=tuple(PLACE)))


def main() -> None:
    """Print the areas, or how to get the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--table", type=Path, help="The published table, with tabs.")
    parser.add_argument("--reference", type=Path, help="FASTA of hg19's chromosome 17.")
    parser.add_argument("--model", type=Path, default=MODEL, help="Model YAML.")
    parser.add_argument("--read-length", type=int, default=150, help="Bases around each SNV.")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    if options.table is None or options.reference is None:
        print("not measured: give --table and --reference (see --help)")
        return
    model = read_model_settings(options.model).model_copy(update={"device": options.device})
    table = read_table(options.table)
    examples = examples_of(table, options.table, options.reference, options.read_length)
    found, models = run(examples, model, options.table, options.read_length)
    print(report(table, found, models))


if __name__ == "__main__":
    main()
