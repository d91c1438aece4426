"""What the head learns from the demo, beside every baseline, for several seeds.

    python tests/benchmarks/bench_demo_learning.py --seeds 0 1 2 3 4 5

The goal: on the test split's carriers a Spearman correlation of 0.6, and more than the training
mean and the k-mer ridge by an interval of the difference above zero, at seed 0 and at four of the
five others.
"""

import argparse
import time
from pathlib import Path

from evoflow import demo
from evoflow.augment.balance import balance
from evoflow.augment.sequences import unique_sequences
from evoflow.augment.split import assign_splits
from evoflow.embed.embedder import Embedder
from evoflow.extract.examples import extract_examples
from evoflow.settings import (
    DemoSettings,
    ModelSettings,
    read_data_settings,
    read_model_settings,
)
from evoflow.train.learning import Learning, learn

CONFIG = Path(__file__).resolve().parents[2] / "config"
GOAL = 0.6
BEATEN = ["training_mean", "kmer_ridge"]


def run(seed: int, model: ModelSettings) -> Learning:
    """Take the demo of one seed through extract, augment, embed and train."""
    changes = {"demo": DemoSettings(seed=seed), "seed": seed}
    data = read_data_settings(CONFIG / "data" / "demo.yaml").model_copy(update=changes)
    examples = extract_examples(demo.prepare(data)).examples
    examples = assign_splits(examples, model.split, read_length=data.read_length, seed=seed)
    training_rows = balance(examples, model.balance, seed=seed)
    sequences, rows = unique_sequences(examples, training_rows)
    wish = model.embedding
    embedded = Embedder.from_settings(model).embed(
        sequences["sequence"].tolist(),
        offsets=sequences["variant_offset"].tolist(),
        layer=wish.layer,
        tokens=wish.tokens,
        stored_dtype=wish.stored_dtype,
    )
    return learn(
        examples,
        rows,
        sequences,
        shards=[embedded.values],
        log_likelihood=embedded.log_likelihood,
        settings=model.head,
        seed=seed,
        device=model.device,
    )


def main() -> None:
    """Print a line a seed, and whether the goal is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4, 5])
    parser.add_argument("--checkpoint", help="Instead of evo-demo, such as evo-tiny.")
    options = parser.parse_args()
    model = read_model_settings(CONFIG / "model" / "evo-demo.yaml")
    if options.checkpoint:
        model = model.model_copy(update={"checkpoint": options.checkpoint})
    for seed in options.seeds:
        started = time.perf_counter()
        learning = run(seed, model)
        found = learning.evaluation.metrics["carriers"]
        table = learning.comparisons
        ranked = table[(table["subset"] == "carriers") & (table["metric"] == "spearman")]
        above = ranked.set_index("baseline")["low"].loc[BEATEN] > 0
        value = found["head"]["spearman"][0] or 0.0
        others = ", ".join(
            f"{name} {by_metric['spearman'][0] or 0:.3f}"
            for name, by_metric in found.items()
            if name != "head"
        )
        print(
            f"seed {seed}: carriers' Spearman {value:.3f} ({others});"
            f" goal {'met' if value >= GOAL and above.all() else 'missed'};"
            f" {time.perf_counter() - started:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
