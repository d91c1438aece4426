"""Seconds of an epoch of the head, beside a plain training loop on the same head and data.

The plain loop is what a first script does: a Python list with the tensors of each example, a
shuffled DataLoader, Adam, the head as its formula reads, and the loss and rank correlation of
every batch on the host.

    python tests/benchmarks/bench_train.py
    python tests/benchmarks/bench_train.py --tokens 64 --width 64 --rows 2000
    python tests/benchmarks/bench_train.py --device cuda --rows 5000 --repeats 1

The last one needs 20 GB of memory and takes two minutes at most on one GPU; its goal is a ratio of
5. There embeddings lie on the card, as `train` puts them; the seconds beside are those from the
host. Training twice must give the same head to the bit.

The default is a window of Evo-1's width. At the 64 channels of the demo's model the convolutions,
which are the same for both, take nearly all the time.
"""

import argparse
import statistics
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from scipy.stats import spearmanr
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader

from evoflow.devices.choice import choose_device
from evoflow.settings import HeadSettings
from evoflow.train.fit import fit
from evoflow.train.head_config import HeadConfig
from evoflow.train.network import ConvolutionalHead
from evoflow.train.pairs import Pairs
from evoflow.train.prediction import place


def make_pairs(rows: int, tokens: int, width: int, seed: int) -> Pairs:
    """Draw float16 embeddings of reads that differ from their windows from the middle on."""
    rng = np.random.default_rng(seed)
    window = rng.normal(size=(rows, tokens, width)).astype(np.float16)
    read = window.copy()
    score = rng.choice([0, 1, 2, 5, 10], size=rows)
    read[:, tokens // 2 :, 0] += (score[:, None] / 10).astype(np.float16)
    numbers = np.arange(rows)
    table = pd.DataFrame({"read": numbers, "window": numbers + rows, "example": numbers})
    table = table.assign(weight=1.0, carries_alt=score > 0)
    return Pairs.of(np.concatenate([read, window]), table, pd.Series(score))


class PlainHead(ConvolutionalHead):
    """The same head, read and difference standardised and projected as the formula reads."""

    def _project(self, read: Tensor, window: Tensor) -> Tensor:
        paired = torch.cat([read, read - window], dim=-1)
        return self.project((paired - self.centre) * self.scale)


def plain_epochs(pairs: Pairs, settings: HeadSettings, device: torch.device) -> list[float]:
    """Seconds of every epoch of the plain loop."""
    examples = [
        (
            torch.tensor(pairs.embeddings[read], dtype=torch.float32),
            torch.tensor(pairs.embeddings[window], dtype=torch.float32),
            torch.tensor(target),
        )
        for read, window, target in zip(
            pairs.read[:, 0], pairs.window[:, 0], pairs.target, strict=True
        )
    ]
    torch.manual_seed(0)
    loader = DataLoader(examples, batch_size=settings.batch_size, shuffle=True)
    shape = settings.model_dump(include={"channels", "kernel_size", "layers", "dropout"})
    network = PlainHead(HeadConfig(width=pairs.embeddings.shape[2], **shape)).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    seconds = []
    for _ in range(settings.epochs):
        started = time.perf_counter()
        network.train()
        losses, correlations = [], []
        for read, window, target in loader:
            predicted = network(read.to(device), window.to(device))
            loss = F.mse_loss(predicted, target.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            correlations.append(spearmanr(predicted.detach().cpu(), target).statistic)
        seconds.append(time.perf_counter() - started)
    return seconds


def main() -> None:
    """Print the ratio for one shape of embeddings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--width", type=int, default=4096)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    device = choose_device(options.device)
    settings = HeadSettings(epochs=options.epochs, patience=options.epochs)
    pairs = make_pairs(options.rows, options.tokens, options.width, 0)
    few = make_pairs(64, options.tokens, options.width, 1)
    started = time.perf_counter()
    placed = replace(pairs, embeddings=place(pairs.embeddings, device))
    print(f"embeddings are on {device} after {time.perf_counter() - started:.2f} s")
    fit(placed, few, settings.model_copy(update={"epochs": 1}), seed=0, device=str(device))
    seconds: dict[str, list[float]] = {"evoflow": [], "from the host": [], "plain loop": []}
    heads = []
    for _ in range(options.repeats):  # in turns, so that a busy machine slows all
        for name, rows in (("evoflow", placed), ("from the host", pairs)):
            found = fit(rows, few, settings, seed=0, device=str(device))
            seconds[name] += found.history["seconds"].tolist()
            heads.append(found.head)
        seconds["plain loop"] += plain_epochs(pairs, settings, device)
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    print(f"{options.rows:,} rows of {options.tokens} x {options.width} on {device}")
    for name, value in middle.items():
        print(f"{name:<14} {value:8.3f} s an epoch")
    print(f"ratio          {middle['plain loop'] / middle['evoflow']:8.2f}")
    same = all(
        np.array_equal(head.weights[name], heads[0].weights[name])
        for head in heads
        for name in head.weights
    )
    print(f"all {len(heads)} heads are {'the same' if same else 'NOT the same'} to the bit")


if __name__ == "__main__":
    main()
