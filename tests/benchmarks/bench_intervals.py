"""How often 95% intervals hold the truth: jackknife-t over genes beside the percentile bootstrap.

    python tests/benchmarks/bench_intervals.py --repeats 5000

Genes differ in how many alleles they have, in which scores these have, and in how well a model
does there. Of each number of genes many test splits are drawn; the truth is what 20,000 genes give.
"""

import argparse

import numpy as np
from scipy.stats import spearmanr

from evoflow.train.evaluation.jackknife import Groups, Jackknifed
from evoflow.train.evaluation.weighted import spearman

REPLICATES = 500


def draw(genes: int, spread: float, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Draw test rows: gene, score, and the predictions of a head and of a baseline.

    Parameters
    ----------
    genes
        How many.
    spread
        Of the logarithm of a gene's number of alleles.
    rng
        The generator.
    """
    rows = np.maximum(3, np.round(np.exp(rng.normal(2.5, spread, genes)))).astype(int)
    gene = np.repeat(np.arange(genes), rows)
    mixture = rng.dirichlet([2, 2, 2, 1], genes).cumsum(axis=1)[gene, :-1]
    score = np.array([1.0, 2, 5, 10])[(rng.random(len(gene))[:, None] > mixture).sum(axis=1)]
    noise = rng.normal(0, 1.5, len(gene))
    head = rng.normal(0.6, 0.25, genes).clip(0)[gene] * score + rng.normal(0, 0.8, genes)[gene]
    head += noise + rng.normal(0, 2, len(gene))
    baseline = 0.4 * score + rng.normal(0, 1, genes)[gene] + 0.6 * noise
    return gene, score, head, baseline + rng.normal(0, 2, len(gene))


def jackknife(gene: np.ndarray, score: np.ndarray, *models: np.ndarray) -> list[tuple[float, ...]]:
    """Give the intervals of the first model's correlation and of the difference."""
    weight = np.ones(len(gene))
    groups = Groups.of(gene, weight)
    sets = groups.weights(weight)
    found = []
    for model in models:
        value, *left_out = spearman(score, model, sets)
        found.append(Jackknifed(value, np.array(left_out), groups.effective))
    return [found[0].interval(), (found[0] - found[1]).interval()]


def bootstrap(
    gene: np.ndarray, score: np.ndarray, *models: np.ndarray, rng: np.random.Generator
) -> list[tuple[float, ...]]:
    """Give the same intervals by drawing genes with replacement."""
    genes = int(gene.max()) + 1
    counts = rng.multinomial(genes, np.full(genes, 1 / genes), size=REPLICATES)[:, gene]
    first, second = (spearman(score, model, counts.astype(float)) for model in models)
    return [tuple(np.nanpercentile(values, [2.5, 97.5])) for values in (first, first - second)]


def main() -> None:
    """Print the coverage of both for several numbers and sizes of genes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=2000)
    parser.add_argument("--genes", type=int, nargs="+", default=[6, 12, 50])
    parser.add_argument("--spreads", type=float, nargs="+", default=[0.3, 0.5, 0.9])
    options = parser.parse_args()
    print("coverage of the nominal 95%: correlation, difference of two correlations")
    for spread in options.spreads:
        _, score, *models = draw(20_000, spread, np.random.default_rng(1))
        values = [spearmanr(score, model).statistic for model in models]
        truth = [values[0], values[0] - values[1]]
        for genes in options.genes:
            rng = np.random.default_rng(genes)
            held = {"jackknife": np.zeros(2), "bootstrap": np.zeros(2)}
            for _ in range(options.repeats):
                rows = draw(genes, spread, rng)
                found = {"jackknife": jackknife(*rows), "bootstrap": bootstrap(*rows, rng=rng)}
                for name, intervals in found.items():
                    held[name] += [
                        low <= true <= high
                        for (low, high), true in zip(intervals, truth, strict=True)
                    ]
            shares = "; ".join(
                f"{name} {count[0] / options.repeats:.3f}, {count[1] / options.repeats:.3f}"
                for name, count in held.items()
            )
            print(f"{genes} genes, spread of sizes {spread}: {shares}", flush=True)


if __name__ == "__main__":
    main()
