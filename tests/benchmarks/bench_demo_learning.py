"""What the head learns from the demo, beside every baseline, for several seeds.

    python tests/benchmarks/bench_demo_learning.py --seeds 0 1 2 3 4 5
    python tests/benchmarks/bench_demo_learning.py --permute
    python tests/benchmarks/bench_demo_learning.py --variants balance strands epochs

The goal: on the test split's carried alleles the head ranks better than every baseline by the
whole interval of the difference, at every seed; with the labels of the carried alleles permuted
(`--permute`) its rank correlation is zero. `--variants` compares settings on the validation's
carried alleles, which choose, and on the test's.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd

from evoflow import demo
from evoflow.augment.augmentation import augment
from evoflow.embed.embedder import Embedder
from evoflow.labels.examples import labelled_examples
from evoflow.settings import (
    BalanceSettings,
    DemoSettings,
    EmbeddingSettings,
    HeadSettings,
    ModelSettings,
    read_data_settings,
    read_model_settings,
)
from evoflow.table import ALLELE
from evoflow.train.evaluation.headline import SIGNIFICANT
from evoflow.train.learning import Learning, learn

CONFIG = Path(__file__).resolve().parents[2] / "config"
MODEL = CONFIG / "model" / "evo-demo.yaml"
LABELS = ["consequence", "impact", "impact_score", "label"]
VARIANTS = {
    "balance": {
        "uniform rows": {"balance": BalanceSettings(target="uniform", by="rows")},
        "0.5 rows": {"balance": BalanceSettings(target=0.5, by="rows")},
        "off": {"balance": BalanceSettings(target=0)},
        "uniform weights": {"balance": BalanceSettings(target="uniform", by="weights")},
    },
    "strands": {
        "forward": {"embedding": EmbeddingSettings(strands="forward")},
        "both": {"embedding": EmbeddingSettings(strands="both")},
    },
    "epochs": {f"{epochs} epochs": {"head": HeadSettings(epochs=epochs)} for epochs in (5, 10, 20)},
}
"""What is compared: settings of the model by name."""


def examples_of(seed: int, *, permute: bool) -> tuple[pd.DataFrame, int]:
    """Extract the demo of one seed; the examples and the read length."""
    changes = {"demo": DemoSettings(seed=seed), "seed": seed}
    data = read_data_settings(CONFIG / "data" / "demo.yaml").model_copy(update=changes)
    examples = labelled_examples(demo.prepare(data)).examples
    if permute:
        examples = _permuted(examples, seed)
    return examples, data.read_length


def _permuted(examples: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Deal the labels of the carried alleles out among them anew; reads keep their allele's."""
    carried = examples[examples["carries_alt"]].drop_duplicates(ALLELE)
    order = np.random.default_rng(seed).permutation(len(carried))
    dealt = carried[ALLELE].reset_index(drop=True)
    dealt[LABELS] = carried[LABELS].to_numpy()[order]
    columns = examples.columns
    changed = examples.drop(columns=LABELS).merge(dealt, on=ALLELE, how="left")
    changed = changed.set_index(examples.index)
    for label in LABELS:
        changed[label] = changed[label].where(examples["carries_alt"], examples[label])
    return changed[columns].astype(examples.dtypes.to_dict())


def run(examples: pd.DataFrame, read_length: int, model: ModelSettings, seed: int) -> Learning:
    """Take examples through augment, embed and train."""
    augmented = augment(examples, model, read_length=read_length, seed=seed)
    wish = model.embedding
    embedded = Embedder.from_settings(model).embed(
        augmented.sequences["sequence"].tolist(),
        offsets=augmented.sequences["variant_offset"].tolist(),
        layer=wish.layer,
        tokens=wish.tokens,
        stored_dtype=wish.stored_dtype,
    )
    return learn(
        augmented.examples,
        augmented.rows,
        augmented.sequences,
        layers={wish.layer: lambda: embedded.values},  # noqa: PD011 - an array
        log_likelihood=embedded.log_likelihood,
        settings=model.head,
        seed=seed,
        device=model.device,
    )


def line(learning: Learning) -> str:
    """Say what one run found."""
    found, table = learning.headline, learning.comparisons
    ranked = table[table["metric"] == "spearman"]
    beaten = ((ranked["low"] > 0) & (ranked["p_value"] < SIGNIFICANT)).all()
    others = ", ".join(
        f"{name} {by_metric['spearman'][0] or 0:.3f}"
        for name, by_metric in learning.evaluation.metrics[found.subset].items()
        if name != "head"
    )
    return (
        f"head {found.head} ({others}); best baseline {found.baseline}, difference"
        f" {found.difference}, {found.rows} alleles in {found.units} genes;"
        f" {'beats all' if beaten else 'does not beat all'}; validation"
        f" {learning.fit.validation_spearman:.3f}"
    )


def main() -> None:
    """Print a line a seed, or the means of settings that are compared."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4, 5])
    parser.add_argument("--model", type=Path, default=MODEL, help="Model YAML.")
    parser.add_argument("--permute", action="store_true", help="Permute the carriers' labels.")
    parser.add_argument("--variants", nargs="+", choices=[*VARIANTS], default=[])
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    model = read_model_settings(options.model).model_copy(update={"device": options.device})
    compared = {name: VARIANTS[kind][name] for kind in options.variants for name in VARIANTS[kind]}
    results = []
    for seed in options.seeds:
        examples, read_length = examples_of(seed, permute=options.permute)
        for name, changes in (compared or {"as configured": {}}).items():
            started = time.perf_counter()
            learning = run(examples, read_length, model.model_copy(update=changes), seed)
            results.append((name, learning.fit.validation_spearman, learning.headline.head.value))
            seconds = time.perf_counter() - started
            print(f"seed {seed}, {name}: {line(learning)}; {seconds:.0f} s", flush=True)
    table = pd.DataFrame(results, columns=["settings", "validation", "test"])
    print(table.groupby("settings", sort=False).agg(["mean", "min", "max"]).round(3).to_string())


if __name__ == "__main__":
    main()
