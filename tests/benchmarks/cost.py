"""GPU hours and bytes on S3 of runs of three sizes, on paper.

    python tests/benchmarks/cost.py [--reads-per-second 80] [--alleles-per-genome 40000]

Prints a table in Markdown. Every rate is an option; `Rates` says where the defaults come from.
"""

import argparse
from dataclasses import dataclass

from evoflow.augment.shards import MAX_SHARDS
from evoflow.settings import ComputeSettings

WIDTH = 4096
"""Of Evo-1's hidden states; logits have 512."""
STORED = {"final/mean": WIDTH, "logits/window: 64": 64 * 512, "final/all": 150 * WIDTH}
"""Values per sequence of 150 bases."""
INDIVIDUALS = 3202
"""Of the 1000 Genomes Project at 30x."""


@dataclass(frozen=True)
class Rates:
    """What the calculation rests on.

    Attributes
    ----------
    reads_per_second
        Sequences of 150 bases that one GPU embeds. Assumed for an A100: one takes 2 FLOP for each
        of 6.45 billion parameters and 150 tokens, and half of the data sheet's 312 TFLOP/s is used.
    load_seconds
        Start of one `embed` task, with the weights on the instance's disk. Assumed.
    sequences_per_example
        The read and its reference window: the most there can be.
    alleles_per_genome
        ClinVar alleles that one person carries. Assumed.
    reference_loci
        Examples of each individual without an allele: the default of `data.reference_loci`.
    balancing
        Rows in use for each example, after rare labels were balanced. Assumed.
    compressed
        Bytes stored of each byte of float16, after Metaflow's gzip: measured by
        `bench_artifacts.py`.
    """

    reads_per_second: float = 80
    load_seconds: float = 120
    sequences_per_example: float = 2
    alleles_per_genome: int = 40_000
    reference_loci: int = 2_000
    balancing: float = 1.5
    compressed: float = 0.93


@dataclass(frozen=True)
class Cost:
    """What one size takes.

    Attributes
    ----------
    sequences
        Embedded.
    runs
        Of the flow: one run holds 90 shards of 3,000 MB at most.
    shards
        Tasks of `embed` of all runs together.
    gpu_hours
        Of embedding and of loading.
    stored
        Bytes on S3.
    """

    sequences: int
    runs: int
    shards: int
    gpu_hours: float
    stored: float


def cost(examples: float, values: int, rates: Rates) -> Cost:
    """Work out one size.

    Parameters
    ----------
    examples
        Alleles and reference loci.
    values
        Stored per sequence, in float16.
    rates
        See `Rates`.
    """
    compute = ComputeSettings()
    sequences = round(examples * rates.balancing * rates.sequences_per_example)
    bytes_per_sequence = 2 * values
    fitting = compute.megabytes_per_shard * 1_000_000 // bytes_per_sequence
    runs = -(-sequences // (MAX_SHARDS * fitting))
    per_run = -(-sequences // runs)
    per_shard = max(min(compute.sequences_per_shard, fitting), -(-per_run // MAX_SHARDS))
    shards = runs * -(-per_run // per_shard)
    seconds = sequences / rates.reads_per_second + shards * rates.load_seconds
    return Cost(
        sequences,
        runs,
        shards,
        seconds / 3600,
        sequences * bytes_per_sequence * rates.compressed,
    )


def table(rates: Rates) -> str:
    """Lay the three sizes out in Markdown."""
    genome = rates.alleles_per_genome + rates.reference_loci
    sizes = {
        "5,000 examples": 5_000,
        "one whole genome": genome,
        f"{INDIVIDUALS:,} individuals": genome * INDIVIDUALS,
    }
    lines = [
        "| size | stored | sequences | runs | shards | GPU hours | on S3 |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for size, examples in sizes.items():
        for stored, values in STORED.items():
            found = cost(examples, values, rates)
            lines.append(
                f"| {size} | {stored} | {found.sequences:,} | {found.runs:,} | {found.shards:,} "
                f"| {found.gpu_hours:,.1f} | {readable(found.stored)} |"
            )
    return "\n".join(lines)


def readable(count: float) -> str:
    """Bytes in the unit that gives one to three digits before the point."""
    for unit in ("kB", "MB", "GB", "TB"):
        count /= 1000
        if count < 1000:
            return f"{count:.3g} {unit}"
    return f"{count / 1000:.3g} PB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in Rates().__dict__.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    print(table(Rates(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
