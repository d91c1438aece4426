"""Reads per second of the models, beside the published forward and the device's own ceiling.

    python tests/benchmarks/bench_evo.py --model evo2

On an NVIDIA GPU, where there is one: 6.5 billion random parameters in bfloat16, made there. On a
CPU, or with `--device cpu`: 100 million in float32. Every way runs in this process, and rounds
alternate between them, so that a busy machine slows all:

(a) evoflow, through its `Embedder`
(b) a straight transcription of the published package's forward (`published_forward.py`)
(c) evoflow with `torch.compile` of each plain operation in place of its kernels
(d) evoflow with its plain operations alone

First the forward is held to the published package's own results on this device.
"""

import argparse
import random
import resource
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from unittest.mock import patch

import torch
from bench_convolution import bench as bench_convolution
from bench_convolution import seconds
from published_forward import published_forward
from safetensors.torch import load_file
from torch.nn import functional as F

from evoflow.embed.embedder import Embedder
from evoflow.embed.evo import (
    Evo2Config,
    EvoConfig,
    find_checkpoint,
    model_of,
    read_config,
)
from evoflow.embed.hyena.operations import PLAIN, Operations, fastest
from evoflow.embed.hyena.tokens import encode
from evoflow.embed.results import Provenance

DATA = Path(__file__).parents[1] / "data"
GOLDEN = {"evo1": DATA / "evo-tiny-8k-reference", "evo2": DATA / "evo2-tiny-8k-reference"}
CONFIGS = {"evo1": EvoConfig(), "evo2": Evo2Config()}
SMALL = {
    "evo1": EvoConfig(hidden_size=1024, num_layers=8, attn_layer_idxs=[4], num_attention_heads=8),
    "evo2": Evo2Config(
        hidden_size=1024,
        num_layers=8,
        inner_mlp_size=2752,
        attn_layer_idxs=[3],
        hcs_layer_idxs=[0, 4, 7],
        hcm_layer_idxs=[1, 5],
        hcl_layer_idxs=[2, 6],
        hcs_filter_groups=64,
        hcm_filter_groups=64,
        num_attention_heads=8,
    ),
}
WHERE = [
    f"evoflow.embed.{room}.fastest"
    for room in ("hyena.modules", "hyena.backbone", "evo1.modeling", "evo2.modeling")
]


@contextmanager
def using(ops: Operations) -> Iterator[None]:
    """Have the models compute with certain operations."""
    with ExitStack() as stack:
        for name in WHERE:
            stack.enter_context(patch(name, lambda _: ops))
        yield


@torch.inference_mode()
def check_golden(name: str, device: torch.device) -> None:
    """Print the largest error of any layer in float32, and the cosine in bfloat16."""
    folder = GOLDEN[name]
    expected = load_file(folder / "expected.safetensors")
    checkpoint = find_checkpoint(str(folder))
    config = read_config(checkpoint)
    ids = expected["input_ids"].to(device)
    dense = "expected_mask" not in expected
    mask = expected["attention_mask"].bool() if dense else expected["expected_mask"]
    layers = {f"hidden_states.{k}": k for k in range(config.num_layers + 1)}
    layers |= {"final": "final", "logits": "logits", "blocks.6.mlp.l3": "blocks.6.mlp.l3"}
    layers = {key: layer for key, layer in layers.items() if key in expected}
    for dtype in (torch.float32, torch.bfloat16):
        model = model_of(config).load(checkpoint, config, dtype=dtype, device=device)
        whole = model.outputs(ids, list(layers.values()))
        alone: dict[str, list] = {key: [] for key in layers}
        for row, length in enumerate(expected["attention_mask"].sum(1).tolist()):
            got = model.outputs(ids[row : row + 1, :length], list(layers.values()))
            for key, layer in layers.items():
                alone[key].append(got[layer][0].cpu()[mask[row, :length]])
        errors = []
        for key, layer in layers.items():
            want = expected[key][mask] if dense else expected[key]
            for kept in (whole[layer].cpu()[mask], torch.cat(alone[key])):
                errors.append(float((kept.float() - want).norm() / want.norm()))
                if key == "final":
                    cosine = float(torch.cosine_similarity(kept.float(), want, dim=-1).mean())
        print(
            f"  {dtype}: largest relative error {max(errors):.1e}, cosine {cosine:.6f}", flush=True
        )


def products_per_second(device: torch.device, dtype: torch.dtype) -> float:
    """Operations per second in products of large matrices, by the faster library at hand."""
    size, times = (8192, 20) if device.type == "cuda" else (3072, 1)
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    took = []
    for multiply in (F.linear, fastest(a).linear):
        multiply(a, b, None)

        def repeat(multiply=multiply) -> None:
            for _ in range(times):
                multiply(a, b, None)

        took.append(seconds(repeat, device))
    return 2 * size**3 * times / min(took)


def flops(model, length: int) -> float:
    """2 x parameters x tokens, and the causal half of attention."""
    parameters = sum(weight.numel() for weight in model.parameters())
    layers = len(model.config.attn_layer_idxs)
    return length * (2 * parameters + layers * 2 * length * model.config.hidden_size)


def made(config, device: torch.device, dtype: torch.dtype):
    """Make a model of random weights on the device."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with device:
            torch.manual_seed(0)
            model = model_of(config)(config).eval()
            model.draw_weights()
            return model
    finally:
        torch.set_default_dtype(default)


def bench(
    model, device: torch.device, *, length: int, batch: int, batches: int, rounds: int
) -> None:
    """Measure all ways on sequences of one length."""
    dtype = model.dtype
    provenance = Provenance(
        "random", None, "final", "mean", str(dtype), str(device), batch * length, versions={}
    )
    embedder = Embedder(model, provenance)
    draw = random.Random(0)
    reads = ["".join(draw.choices("ACGT", k=length)) for _ in range(batch * batches)]
    ids = torch.from_numpy(encode(reads)).to(device).int()

    def ours() -> None:
        embedder.embed(reads, layer="final", tokens="mean", stored_dtype="float32")

    @torch.inference_mode()
    def published() -> None:
        for start in range(0, len(reads), batch):
            final, logits = published_forward(model, ids[start : start + batch])
            final.float().mean(1).cpu()
            targets = ids[start : start + batch, 1:].flatten().long()
            F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), targets)

    compiled = Operations(*(torch.compile(function) for function in PLAIN))
    ways = {
        "(a) evoflow": (ours, nullcontext),
        "(b) published forward": (published, nullcontext),
        "(c) torch.compile of plain operations": (ours, lambda: using(compiled)),
        "(d) plain operations": (ours, lambda: using(PLAIN)),
    }
    print(f"  {length} bases, batches of {batch}: seconds to the first result, then steady")
    first = {}
    for name, (way, setting) in list(ways.items()):
        model.backbone.filter_cache.clear()
        try:
            with setting():
                first[name] = seconds(way, device)
        except Exception as error:  # noqa: BLE001  # a way that cannot run here is said and left out
            print(f"    {name} cannot run here: {type(error).__name__}: {str(error)[:200]}")
            del ways[name]
    times = {name: [] for name in ways}
    tops = []
    with torch.inference_mode():
        for _ in range(rounds):
            for name, (way, setting) in ways.items():
                tops.append(products_per_second(device, dtype))
                with setting():
                    times[name].append(seconds(way, device) / len(reads))
    top = statistics.median(tops)
    base = statistics.median(times["(b) published forward"])
    print(f"    ceiling, by products of large matrices: {top / 1e12:.3f} TFLOP/s")
    for name, taken in times.items():
        each = statistics.median(taken)
        share = flops(model, length) / each / top
        print(
            f"    {name:38} first {first[name]:6.1f} s  {1 / each:9.2f} sequences/s"
            f"  {base / each:5.2f} x (b)  {share:6.1%} of the ceiling",
            flush=True,
        )


def bench_long() -> None:
    """One sequence of 131,072 tokens: a quadratic mask or matrix would take 17 GB or more."""
    config = EvoConfig(
        hidden_size=16,
        num_layers=2,
        attn_layer_idxs=[1],
        num_attention_heads=1,
        max_seqlen=131072,
        use_interpolated_rotary_pos_emb=True,
        rotary_emb_scaling_factor=16,
    )
    model = model_of(config)(config).eval()
    model.draw_weights()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with torch.inference_mode():
        took = seconds(lambda: model(torch.full((1, 131072), 65)), torch.device("cpu"))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(
        f"CPU, 131,072 tokens, 16 channels, 2 layers: {took:.0f} s, peak {grown / 1e3:.0f} MB more"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=["evo1", "evo2"], required=True)
    parser.add_argument("--device", choices=["cpu", "cuda:0"])
    parser.add_argument("--long", action="store_true", help="one sequence of 131,072 tokens, too")
    asked = parser.parse_args()
    begun = time.perf_counter()
    device = torch.device(asked.device or ("cuda:0" if torch.cuda.is_available() else "cpu"))
    on_gpu = device.type == "cuda"
    named = torch.cuda.get_device_name(device) if on_gpu else f"{torch.get_num_threads()} threads"
    print(f"{asked.model} on {device} ({named}), torch {torch.__version__}")
    print("The published package's results on random checkpoints, alone and padded:")
    check_golden(asked.model, device)
    print("Convolutions:")
    bench_convolution(device)
    if asked.long:
        bench_long()
    dtype = torch.bfloat16 if on_gpu else torch.float32
    config = (CONFIGS if on_gpu else SMALL)[asked.model]
    model = made(config, device, dtype)
    print(f"{sum(w.numel() for w in model.parameters()) / 1e6:.0f} M random parameters, {dtype}:")
    if on_gpu:
        bench(model, device, length=150, batch=216, batches=2, rounds=5)
        bench(model, device, length=8192, batch=4, batches=1, rounds=3)
    else:
        bench(model, device, length=150, batch=16, batches=1, rounds=5)
        bench(model, device, length=1024, batch=2, batches=1, rounds=3)
    print(f"in all {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
