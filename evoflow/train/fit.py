"""Training of the head."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from scipy.stats import spearmanr
from torch import Tensor
from torch.nn import functional as F
from torch.optim import AdamW, lr_scheduler

from evoflow.devices.choice import choose_device
from evoflow.settings import HeadSettings
from evoflow.train.head import Head
from evoflow.train.head_config import HeadConfig
from evoflow.train.network import STEPS, ConvolutionalHead, expected_score
from evoflow.train.pairs import Pairs
from evoflow.train.prediction import Rows, autocast, autocast_dtype, gather, outputs

WARM_UP = 0.1
"""Share of all training steps in which the learning rate rises."""

STANDARDISED_ROWS = 1024
"""Training rows from which the mean and spread of the input channels are taken, at most."""

SMALLEST_SPREAD = 1e-4
"""Relative to the largest one: a channel that never changes is not blown up."""


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training rows gave.

    Attributes
    ----------
    epoch
        1-based.
    training_loss, validation_loss
        Mean squared error of scores divided by the highest one.
    validation_spearman
        NaN where either side is constant.
    learning_rate
        At the end of the epoch.
    seconds
        Wall-clock time.
    """

    epoch: int
    training_loss: float
    validation_loss: float
    validation_spearman: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True)
class Fit:
    """A trained head and how it came about.

    Attributes
    ----------
    head
        With the weights of the best epoch.
    history
        One row an epoch, with the columns of `Epoch`.
    best_epoch
        1-based.
    device
        Where it was trained, such as `cuda:0 (NVIDIA A100), bfloat16`.
    """

    head: Head
    history: pd.DataFrame
    best_epoch: int
    device: str


def fit(
    training: Pairs,
    validation: Pairs,
    settings: HeadSettings,
    *,
    seed: int,
    device: str = "auto",
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Fit:
    """Train the head; keep the weights that rank the validation rows best.

    The order of rows and every random number depend on `seed` alone, so the same rows give the
    same head on the same machine.

    Parameters
    ----------
    training, validation
        Rows on embeddings of the same tokens and width.
    settings
        Shape and training of the head.
    seed
        Of the weights, the order of rows and the dropout.
    device
        `auto`: the first GPU, else the CPU; or a torch device.
    on_epoch
        Called after every epoch.
    """
    where = choose_device(device)
    width = training.embeddings.shape[-1]
    shape = settings.model_dump(include={"channels", "kernel_size", "layers", "dropout"})
    config = HeadConfig(width=width, **shape)
    cuda = [where] if where.type == "cuda" else []
    # `flags` switches off what it is not told to leave on.
    repeatable = torch.backends.cudnn.flags(enabled=True, deterministic=True)
    with torch.random.fork_rng(devices=cuda), repeatable:
        torch.manual_seed(seed)
        network = ConvolutionalHead(config)
        network.centre, network.scale = _standardisation(training, np.random.default_rng(seed))
        network.to(where)
        history, best_epoch, weights = _train(
            network, training, validation, settings, seed=seed, device=where, on_epoch=on_epoch
        )
    arrays = {name: tensor.cpu().numpy() for name, tensor in weights.items()}
    frame = pd.DataFrame([asdict(epoch) for epoch in history])
    return Fit(Head(config, arrays), frame, best_epoch, describe_device(where))


def describe_device(device: torch.device) -> str:
    """Name a device and the type in which the head computes on it."""
    dtype = str(autocast_dtype(device)).removeprefix("torch.")
    if device.type != "cuda":
        return f"{device}, {dtype}"
    return f"{device} ({torch.cuda.get_device_name(device)}), {dtype}"


def _train(
    network: ConvolutionalHead,
    training: Pairs,
    validation: Pairs,
    settings: HeadSettings,
    *,
    seed: int,
    device: torch.device,
    on_epoch: Callable[[Epoch], None] | None,
) -> tuple[list[Epoch], int, dict[str, Tensor]]:
    """Run epochs until the validation rows are ranked no better: history, best epoch, weights."""
    optimizer = AdamW(
        network.parameters(),
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=True,
    )
    steps = settings.epochs * math.ceil(len(training) / settings.batch_size)
    schedule = lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    # float16 gradients vanish below 6e-8 unless the loss is scaled up.
    scaler = torch.amp.GradScaler(device.type, enabled=autocast_dtype(device) == torch.float16)
    rng = np.random.default_rng(seed)
    history: list[Epoch] = []
    best, best_epoch, weights = -math.inf, 0, network.state_dict()
    for number in range(1, settings.epochs + 1):
        started = time.perf_counter()
        network.train()
        total = torch.zeros((), device=device)
        for rows in _batches(len(training), settings.batch_size, rng):
            loss, squared = _losses(network, training, rows, device)
            optimizer.zero_grad(set_to_none=True)
            scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            scaler.step(optimizer)
            scaler.update()
            schedule.step()
            total += squared * len(rows)
        predicted = outputs(
            network, validation.embeddings, validation.read, validation.window, device
        )
        epoch = Epoch(
            epoch=number,
            training_loss=float(total) / len(training),
            validation_loss=float(np.mean((predicted - validation.target) ** 2)),
            validation_spearman=spearman(predicted, validation.target),
            learning_rate=float(schedule.get_last_lr()[0]),
            seconds=time.perf_counter() - started,
        )
        history.append(epoch)
        if on_epoch is not None:
            on_epoch(epoch)
        quality = _quality(epoch, validation)
        if quality > best:
            best, best_epoch = quality, number
            weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        elif number - best_epoch >= settings.patience:
            break
    return history, best_epoch, weights


def _losses(
    network: ConvolutionalHead, pairs: Pairs, rows: Rows, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Weighted losses of some rows: what is minimised, and the mean squared error.

    The former is the cross-entropy of each step's being reached: it ranks rare scores better than
    the squared error does (`bench_demo_learning.py` measures the ranks).
    """
    read = gather(pairs.embeddings, pairs.read[rows], device)
    window = gather(pairs.embeddings, pairs.window[rows], device)
    target = torch.from_numpy(pairs.target[rows]).to(device)
    weight = torch.from_numpy(pairs.weight[rows]).to(device)
    with autocast(device):
        logits = network.logits(read, window)
    halfway = [(low + high) / 2 for low, high in pairwise((0.0, *STEPS))]
    reached = (target[:, None] > target.new_tensor(halfway)).float()
    entropy = F.binary_cross_entropy_with_logits(logits.float(), reached, reduction="none")
    squared = (expected_score(logits.detach()) - target) ** 2
    return (weight * entropy.mean(dim=1)).mean(), (weight * squared).mean()


def _batches(rows: int, size: int, rng: np.random.Generator) -> Iterator[Rows]:
    order = rng.permutation(rows)
    return (order[start : start + size] for start in range(0, rows, size))


def _standardisation(training: Pairs, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Mean and inverse spread of every input channel over some training rows."""
    chosen = rng.permutation(len(training))[:STANDARDISED_ROWS]
    sums = np.zeros((2, 2 * training.embeddings.shape[-1]))
    for rows in np.split(chosen, range(64, len(chosen), 64)):
        read = training.embeddings[training.read[rows]].astype(np.float32)
        window = training.embeddings[training.window[rows]].astype(np.float32)
        paired = np.concatenate([read, read - window], axis=-1)
        sums += paired.mean(axis=1).sum(axis=0), (paired**2).mean(axis=1).sum(axis=0)
    mean, square = sums / len(chosen)
    spread = np.sqrt(np.maximum(square - mean**2, 0))
    scale = 1 / np.maximum(spread, SMALLEST_SPREAD * max(spread.max(), SMALLEST_SPREAD))
    return torch.from_numpy(mean).float(), torch.from_numpy(scale).float()


def _rate(step: int, steps: int) -> float:
    """Learning rate relative to its peak: a linear rise, then half a cosine down to zero."""
    rise = max(1, round(WARM_UP * steps))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def spearman(predicted: npt.NDArray[np.floating], target: npt.NDArray[np.floating]) -> float:
    """Correlate ranks; NaN where either side is constant or has fewer than two values."""
    if len(target) < 2 or np.ptp(predicted) == 0 or np.ptp(target) == 0:
        return math.nan
    return float(spearmanr(predicted, target).statistic)


def _quality(epoch: Epoch, validation: Pairs) -> float:
    """Judge an epoch: by rank correlation, or by the loss where the truth is constant."""
    if np.ptp(validation.target) == 0:
        return -epoch.validation_loss
    return -1.0 if math.isnan(epoch.validation_spearman) else epoch.validation_spearman
