"""GPU hours and bytes on S3 of runs of three sizes, on paper.

    python tests/benchmarks/cost.py [--alleles-per-genome 40000]

Prints a table in Markdown. Every rate is an option; `Rates` says where the defaults come from.
"""

import argparse
from dataclasses import dataclass

from evoflow.settings import ComputeSettings

WIDTH = 4096
"""Of Evo-1's hidden states."""
STORED = {"mean": WIDTH, "window: 64": 64 * WIDTH, "all": 150 * WIDTH}
"""Values per sequence of 150 bases, of the layer `final`."""
MAX_SHARDS = 1000
"""What `compute.max_shards` is set to for large sets: shards grow beyond it."""
INDIVIDUALS = 3202
"""Of the 1000 Genomes Project at 30x."""


@dataclass(frozen=True)
class Gpu:
    """How fast one GPU works.

    Attributes
    ----------
    reads_per_second
        Sequences of 150 bases that go through Evo-1.
    task_seconds
        What an `embed` task takes beside the forward passes: its start, the weights, the last
        bytes.
    measured
        Whether both were measured.
    """

    reads_per_second: float
    task_seconds: float
    measured: bool


GPUS = {
    # `bench_evo.py` and `bench_local_gpus.py`, with random weights in the published layout on the
    # machine's own disk: 15 s until the task had the GPU, 8 s for the weights, 4 s for its end.
    "H100": Gpu(reads_per_second=315, task_seconds=27, measured=True),
    # A read takes 2 FLOP for each of 6.45 billion parameters and 150 tokens; half of the data
    # sheet's 312 TFLOP/s is used. In the cloud a task waits for its machine and its image as well.
    "A100": Gpu(reads_per_second=80, task_seconds=120, measured=False),
}


@dataclass(frozen=True)
class Rates:
    """What the calculation rests on.

    Attributes
    ----------
    sequences_per_example
        The read and its reference window: the most there can be.
    alleles_per_genome
        ClinVar alleles that one person carries. Assumed.
    reference_loci
        Examples of each individual without an allele: the default of `data.reference_loci`.
    balancing
        Rows in use for each example, after rare labels were balanced. Assumed.
    """

    sequences_per_example: float = 2
    alleles_per_genome: int = 40_000
    reference_loci: int = 2_000
    balancing: float = 1.5


@dataclass(frozen=True)
class Cost:
    """What one run takes.

    Attributes
    ----------
    sequences
        Embedded.
    shards
        Tasks of `embed`, `MAX_SHARDS` at most.
    stored
        Bytes on S3, stored as they are.
    """

    sequences: int
    shards: int
    stored: int

    def gpu_hours(self, gpu: Gpu) -> float:
        """Hours of embedding, with the start of every task."""
        seconds = self.sequences / gpu.reads_per_second + self.shards * gpu.task_seconds
        return seconds / 3600


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
    shards = -(-sequences // compute.sequences_per_shard)
    return Cost(sequences, min(shards, MAX_SHARDS), sequences * 2 * values)


def table(rates: Rates) -> str:
    """Lay the three sizes out in Markdown."""
    genome = rates.alleles_per_genome + rates.reference_loci
    sizes = {
        "5,000 examples": 5_000,
        "one whole genome": genome,
        f"{INDIVIDUALS:,} individuals": genome * INDIVIDUALS,
    }
    named = [name if gpu.measured else f"{name} (assumed)" for name, gpu in GPUS.items()]
    lines = [
        f"| one run of | tokens | sequences | shards | {' | '.join(named)} | on S3 |",
        f"|---|---|--:|--:|{'--:|' * len(named)}--:|",
    ]
    for size, examples in sizes.items():
        for stored, values in STORED.items():
            found = cost(examples, values, rates)
            hours = [found.gpu_hours(gpu) for gpu in GPUS.values()]
            spent = " | ".join(f"{each:,.{1 if each >= 1 else 2}f} h" for each in hours)
            lines.append(
                f"| {size} | {stored} | {found.sequences:,} | {found.shards:,} | {spent} "
                f"| {readable(found.stored)} |"
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
