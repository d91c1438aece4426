"""Train `evo-demo`, the model that has learnt the demo's kind of DNA.

    python -m evoflow.demo.pretrain --output evoflow/demo/evo_demo

The model has Evo-1's architecture at half the width of `evo-tiny`. It sees simulated genomes alone,
of a stream of seeds that no demo draws from, on both strands and without any label.
"""

import math
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
import torch
from numpy.random import Generator, SeedSequence, default_rng
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW, lr_scheduler

from evoflow.demo.genes import make_genome
from evoflow.embed.evo import EvoConfig, EvoForCausalLM
from evoflow.embed.weights.builtin import TINY_SIZES

STREAM = 20261125
"""Seed whose children are the seeds of the pretraining genomes; a demo's seed has no parent."""

HELD_OUT = 4
"""Genomes, after those of training, on which the loss is reported."""

SIZES = TINY_SIZES | {"hidden_size": 64, "inner_mlp_size": 176, "max_seqlen": 512}
"""At twice the width the loss was 0.0003 nats less. It was trained on 256 bases: the loss of 512 is
as low, that of 1,024 0.15 nats higher, and some filters grow without end."""

_COMPLEMENT = np.arange(256, dtype=np.uint8)
_COMPLEMENT[np.frombuffer(b"ACGT", np.uint8)] = np.frombuffer(b"TGCA", np.uint8)


@dataclass(frozen=True)
class Recipe:
    """How the model is trained.

    Attributes
    ----------
    genomes
        Simulated genomes of about 0.5 Mb each.
    steps, batch_size, length
        Optimiser steps, and the windows and bases of each.
    learning_rate
        Its peak; it rises over a twentieth of the steps and falls along half a cosine to zero.
    weight_decay
        Of the matrices; filters, norms and biases have none.
    seed
        Of the weights and of the windows' order.
    """

    genomes: int = 400
    steps: int = 5_000
    batch_size: int = 256
    length: int = 256
    learning_rate: float = 3e-3
    weight_decay: float = 0.1
    seed: int = 0


def genome_bases(number: int) -> npt.NDArray[np.uint8]:
    """Simulate a genome of the pretraining stream: its contigs end to end, as ASCII."""
    genome = make_genome(default_rng(SeedSequence(STREAM, spawn_key=(number,))))
    return np.frombuffer("".join(genome.sequences.values()).encode(), np.uint8)


def windows(
    bases: npt.NDArray[np.uint8], count: int, length: int, rng: Generator
) -> npt.NDArray[np.uint8]:
    """Draw windows, each on either strand, shape=(count, length)."""
    starts = rng.integers(0, len(bases) - length + 1, count)
    drawn: npt.NDArray[np.uint8] = bases[starts[:, None] + np.arange(length)]
    turned = rng.random(count) < 0.5
    drawn[turned] = _COMPLEMENT[drawn[turned, ::-1]]
    return drawn


def next_base_loss(model: EvoForCausalLM, ids: Tensor) -> Tensor:
    """Mean cross-entropy of each next token, in nats; `ids` has shape=(batch, length)."""
    logits = model(ids).logits[:, :-1]  # (batch, length - 1, vocab)
    return F.cross_entropy(logits.flatten(0, 1).float(), ids[:, 1:].flatten())


def pretrain(recipe: Recipe, device: torch.device) -> tuple[EvoForCausalLM, float]:
    """Train the model; return it with its loss on held-out genomes, in nats per base."""
    genomes = _simulate(recipe.genomes + HELD_OUT)
    bases = np.concatenate(genomes[: recipe.genomes])
    held_out = np.concatenate(genomes[recipe.genomes :])
    print(f"{len(bases):,} bases of {recipe.genomes} genomes", flush=True)
    torch.manual_seed(recipe.seed)
    model = EvoForCausalLM(EvoConfig(**SIZES))
    nn.Module.to(model, device)
    optimizer = AdamW(_groups(model, recipe.weight_decay), lr=recipe.learning_rate)
    schedule = lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, recipe.steps))
    started = time.perf_counter()
    model.train()
    for step, ids in enumerate(_batches(bases, recipe, device)):
        loss = next_base_loss(model, ids)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0 or step == recipe.steps - 1:
            seconds = time.perf_counter() - started
            print(f"step {step}: {loss.item():.4f} nats, {seconds:.0f} s", flush=True)
    model.train(mode=False)
    return model, evaluate(model, held_out, recipe, device)


@torch.inference_mode()
def evaluate(
    model: EvoForCausalLM, bases: npt.NDArray[np.uint8], recipe: Recipe, device: torch.device
) -> float:
    """Mean loss over 16 batches of windows, in nats per base."""
    drawn = windows(bases, 16 * recipe.batch_size, recipe.length, default_rng(recipe.seed))
    losses = [
        next_base_loss(model, torch.from_numpy(some).to(device).long()).item()
        for some in np.split(drawn, 16)
    ]
    return float(np.mean(losses))


def _simulate(count: int) -> list[npt.NDArray[np.uint8]]:
    """Simulate the first genomes of the stream, in several processes where that pays."""
    if count < 50:
        return [genome_bases(number) for number in range(count)]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        return list(pool.map(genome_bases, range(count), chunksize=5))


def _batches(
    bases: npt.NDArray[np.uint8], recipe: Recipe, device: torch.device
) -> Iterator[Tensor]:
    rng = default_rng(recipe.seed)
    for _ in range(recipe.steps):
        drawn = windows(bases, recipe.batch_size, recipe.length, rng)
        yield torch.from_numpy(drawn).to(device).long()


def _groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Let matrices decay, and nothing else."""
    matrices = [
        module.weight for module in model.modules() if isinstance(module, nn.Linear | nn.Embedding)
    ]
    known = {id(weight) for weight in matrices}
    others = [weight for weight in model.parameters() if id(weight) not in known]
    return [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def _rate(step: int, steps: int) -> float:
    rise = max(1, steps // 20)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


@click.command()
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option("--genomes", default=Recipe.genomes, show_default=True)
@click.option("--steps", default=Recipe.steps, show_default=True)
@click.option("--device", default="cuda:0", show_default=True)
def main(output: Path, genomes: int, steps: int, device: str) -> None:
    """Train evo-demo; write its checkpoint in float16, but for the filters' poles and residues."""
    recipe = Recipe(genomes=genomes, steps=steps)
    model, loss = pretrain(recipe, torch.device(device))
    print(f"held-out genomes: {loss:.4f} nats per base", flush=True)
    nn.Module.to(model, "cpu", torch.float16)
    model.save_pretrained(output)
    print(f"the checkpoint is in {output}", flush=True)


if __name__ == "__main__":
    main()
