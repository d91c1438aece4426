"""Training the head on a quiet and on a busy machine, with our threads and with GNU OpenMP's own.

    python tests/benchmarks/bench_threads.py

Busy is beside one endless loop per core. Only on a machine that is quiet otherwise do the figures
say anything. Each way runs in processes of its own, as the settings are read when torch is loaded.
"""

import os
import statistics
import subprocess
import sys
from pathlib import Path

from evoflow.devices.threads import SPINS, usable_cores

ROOT = Path(__file__).resolve().parents[2]
WAYS = {"GNU's own": "300000", "ours": SPINS}
ROUNDS = 3

EPOCH = """
import numpy as np
from evoflow.settings import HeadSettings
from evoflow.train.fit import fit
from evoflow.train.pairs import Pairs

rng = np.random.default_rng(0)
embeddings = rng.normal(size=(2000, 64, 128)).astype(np.float16)
numbers = rng.integers(0, 2000, size=(2, 1000))
score = rng.choice([0.0, 0.5, 1.0], size=1000).astype(np.float32)
rows = Pairs(embeddings, numbers[0], numbers[1], score, np.ones(1000, np.float32))
few = Pairs(embeddings, numbers[0, :64], numbers[1, :64], score[:64], rows.weight[:64])
history = fit(rows, few, HeadSettings(epochs=3, patience=3), seed=0, device="cpu").history
print(min(history["seconds"]))
"""


def seconds(spins: str) -> float:
    """Train in a new process; seconds of the fastest epoch."""
    environment = os.environ | {"GOMP_SPINCOUNT": spins, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", EPOCH], env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def measure() -> dict[str, float]:
    """Take the ways in turns; the median of each."""
    took = {way: [] for way in WAYS}
    for _ in range(ROUNDS):
        for way, spins in WAYS.items():
            took[way].append(seconds(spins))
    return {way: statistics.median(times) for way, times in took.items()}


def main() -> None:
    quiet = measure()
    loops = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(usable_cores())
    ]
    try:
        busy = measure()
    finally:
        for loop in loops:
            loop.kill()
    print(
        f"an epoch of the head, 1,000 rows, {usable_cores()} cores, load {os.getloadavg()[0]:.1f}"
    )
    baseline = quiet["GNU's own"]
    for way in WAYS:
        print(
            f"{way:10} quiet {quiet[way]:.2f} s ({quiet[way] / baseline:.2f} of GNU's own), "
            f"busy {busy[way]:.2f} s ({busy[way] / baseline:.1f} times GNU's own quiet)"
        )


if __name__ == "__main__":
    main()
