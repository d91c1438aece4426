"""Training of the head."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from inspect import unwrap

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim import AdamW, lr_scheduler

from evoflow.devices.choice import choose_device
from evoflow.errors import InputError
from evoflow.impact import LEVELS
from evoflow.settings import HeadSettings
from evoflow.train.evaluation.weighted import rank_correlation
from evoflow.train.head import Head
from evoflow.train.head_config import HeadConfig
from evoflow.train.isotonic import calibrate
from evoflow.train.network import ConvolutionalHead
from evoflow.train.pairs import Numbers, Pairs
from evoflow.train.prediction import autocast, autocast_dtype, gather, outputs

WARM_UP = 0.1
"""Share of all training steps in which the learning rate rises."""

STANDARDISED_ROWS = 1024
"""Training rows from which the mean and spread of the input channels are taken, at most."""

VALUES_PER_THREAD = 2**22
"""Input values of a batch for which one more thread is worth waiting for."""

SMALLEST_SPREAD = 1e-4
"""Relative to the largest one: a channel that never changes is not blown up."""


class _AdamW(AdamW):
    """torch's AdamW without the import of torch's compiler, which takes seconds.

    The methods are those that torch wraps for the compiler, without what is wrapped around them.
    """

    add_param_group = unwrap(AdamW.add_param_group)
    zero_grad = unwrap(AdamW.zero_grad)
    step = torch.no_grad()(unwrap(AdamW.step))


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training rows gave.

    Attributes
    ----------
    epoch
        1-based.
    training_loss, validation_loss
        Mean squared error of the scores.
    validation_spearman
        Rank correlation on the validation's carried alleles; NaN where either side is constant.
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
        With the weights of the best epoch, calibrated on the validation's carried alleles.
    history
        One row per epoch, with the columns of `Epoch`.
    best_epoch
        1-based.
    device
        Where it was trained, such as `cuda:0 (NVIDIA A100), bfloat16`.
    """

    head: Head
    history: pd.DataFrame
    best_epoch: int
    device: str

    @property
    def validation_spearman(self) -> float:
        """Rank correlation of the best epoch on the validation's carried alleles, or NaN."""
        return float(self.history["validation_spearman"].iloc[self.best_epoch - 1])


def fit(
    training: Pairs,
    validation: Pairs,
    settings: HeadSettings,
    *,
    seed: int,
    device: str = "auto",
    levels: tuple[float, ...] = LEVELS,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Fit:
    """Train the head; keep the weights that rank the validation's carried alleles best.

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
    levels
        The ordered values that the score takes, or between which it lies.
    on_epoch
        Called after every epoch.

    Raises
    ------
    InputError
        When training diverges.
    """
    where = choose_device(device)
    shape = settings.model_dump(include={"channels", "kernel_size", "layers", "dropout"})
    config = HeadConfig(width=training.width, levels=levels, **shape)
    cuda = [where] if where.type == "cuda" else []
    # `flags` switches off what it is not told to leave on.
    repeatable = torch.backends.cudnn.flags(enabled=True, deterministic=True)
    with torch.random.fork_rng(devices=cuda), repeatable, _threads(training, settings, where):
        torch.manual_seed(seed)
        network = ConvolutionalHead(config)
        network.to(where)
        network.centre, network.scale = _standardisation(
            training, np.random.default_rng(seed), where
        )
        history, best_epoch, weights = _train(
            network, training, validation, settings, seed=seed, device=where, on_epoch=on_epoch
        )
        judged = validation.carriers()
        network.load_state_dict(weights)
        raw = judged.by_example(outputs(network, judged, where).astype(np.float64))
    if not np.isfinite(raw).all():
        raise InputError(
            "training diverged: what the head predicts is no number; lower"
            f" model.head.learning_rate (it is {settings.learning_rate:g}) or"
            f" model.head.weight_decay (it is {settings.weight_decay:g})"
        )
    calibration = calibrate(raw, judged.by_example(judged.target), (levels[0], levels[-1]))
    arrays = {name: tensor.cpu().numpy() for name, tensor in weights.items()}
    frame = pd.DataFrame([asdict(epoch) for epoch in history])
    return Fit(Head(config, arrays, calibration), frame, best_epoch, describe_device(where))


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
    optimizer = _AdamW(
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
    judged = validation.carriers()
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
        predicted = judged.by_example(outputs(network, judged, device))
        truth = judged.by_example(judged.target)
        rank = rank_correlation(predicted, truth)
        epoch = Epoch(
            epoch=number,
            training_loss=float(total) / len(training),
            validation_loss=float(np.mean((predicted - truth) ** 2)),
            validation_spearman=round(rank, 9),  # no epoch is better by the error of a sum
            learning_rate=float(schedule.get_last_lr()[0]),
            seconds=time.perf_counter() - started,
        )
        history.append(epoch)
        if on_epoch is not None:
            on_epoch(epoch)
        quality = _quality(epoch, truth)
        if quality > best:
            best, best_epoch = quality, number
            weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        elif number - best_epoch >= settings.patience:
            break
    return history, best_epoch, weights


def _losses(
    network: ConvolutionalHead, pairs: Pairs, rows: Numbers, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Weighted losses of some rows: what is minimised, and the mean squared error.

    The former is the cross-entropy of each level's being reached: it ranks rare scores better than
    the squared error does (`bench_demo_learning.py` measures the ranks).
    """
    read, window = gather(pairs, rows, device)
    target = torch.from_numpy(pairs.target[rows]).to(device)
    weight = torch.from_numpy(pairs.weight[rows]).to(device)
    with autocast(device):
        logits = network.logits(read, window)
    reached = network.reached(target)
    entropy = F.binary_cross_entropy_with_logits(logits.float(), reached, reduction="none")
    squared = (network.expected(logits.detach()) - target) ** 2
    return (weight * entropy.mean(dim=1)).mean(), (weight * squared).mean()


def _batches(rows: int, size: int, rng: np.random.Generator) -> Iterator[Numbers]:
    order = rng.permutation(rows)
    return (order[start : start + size] for start in range(0, rows, size))


def _standardisation(
    training: Pairs, rng: np.random.Generator, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Mean and inverse spread of every input channel over some training rows."""
    chosen = rng.permutation(len(training))[:STANDARDISED_ROWS]
    sums = torch.zeros((2, 2 * training.width), dtype=torch.float64, device=device)
    for rows in np.split(chosen, range(64, len(chosen), 64)):
        read, window = (side.float() for side in gather(training, rows, device))
        for half, values in enumerate((read, read - window)):
            channels = slice(half * training.width, (half + 1) * training.width)
            sums[0, channels] += values.mean(dim=1).double().sum(dim=0)
            sums[1, channels] += values.square().mean(dim=1).double().sum(dim=0)
    mean, square = sums / len(chosen)
    spread = (square - mean**2).clamp(min=0).sqrt()
    smallest = SMALLEST_SPREAD * spread.max().clamp(min=SMALLEST_SPREAD)
    return mean.float(), (1 / spread.maximum(smallest)).float()


@contextmanager
def _threads(training: Pairs, settings: HeadSettings, device: torch.device) -> Iterator[None]:
    """Compute with no more threads than a batch keeps busy.

    Threads wait for each other several times a step; on a machine that has other work to do, a
    small head takes many times as long with two threads as with one.
    """
    before = torch.get_num_threads()
    values = 2 * settings.batch_size * training.embeddings.shape[1] * training.width
    useful = math.ceil(values / VALUES_PER_THREAD)
    torch.set_num_threads(min(before, useful) if device.type == "cpu" else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _rate(step: int, steps: int) -> float:
    """Learning rate relative to its peak: a linear rise, then half a cosine down to zero."""
    rise = max(1, round(WARM_UP * steps))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def _quality(epoch: Epoch, truth: npt.NDArray[np.float64]) -> float:
    """Judge an epoch: by rank correlation, or by the loss where the truth is constant."""
    if np.ptp(truth) == 0:
        return -epoch.validation_loss
    return -1.0 if math.isnan(epoch.validation_spearman) else epoch.validation_spearman
