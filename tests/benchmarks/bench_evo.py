"""Reads per second at 150 bp, beside the reference's way and the device's own ceiling.

    python tests/benchmarks/bench_evo.py

On the CPU: 100 million random parameters in float32. On an NVIDIA GPU, where there is one: the
full 6.45 billion in bfloat16. Rounds alternate between the ways, so that a busy machine slows all.
"""

import random
import resource
import statistics
import time

import torch
from torch import Tensor
from torch.nn import functional as F

from evoflow.embed.embedder import Embedder, Provenance
from evoflow.embed.evo import EvoConfig, EvoForCausalLM
from evoflow.embed.evo1.modeling import Attention, AttentionBlock, HyenaBlock
from evoflow.embed.hyena import convolution
from evoflow.embed.hyena.operations import PLAIN, fastest
from evoflow.embed.hyena.tokenizer import encode

READ_LENGTH = 150


def reference_norm(x: Tensor, norm) -> Tensor:
    root = x.norm(2, dim=-1, keepdim=True) * x.shape[-1] ** -0.5
    return norm.scale * (x / (root + norm.eps))


def reference_hyena(block: HyenaBlock, u: Tensor) -> Tensor:
    """The reference's steps: filters anew at each call, then complex FFTs."""
    batch, length, width = u.shape
    hyena = block.filter
    z = block.projections(u).transpose(1, 2)
    z = F.conv1d(
        z,
        hyena.short_filter_weight,
        hyena.short_filter_bias,
        padding=hyena.short_filter_weight.shape[-1] - 1,
        groups=3 * width,
    )[..., :length]
    x2, x1, v = z.view(batch, hyena.num_heads, 3, -1, length).unbind(2)
    x2, x1, v = (part.reshape(batch, width, length) for part in (x2, x1, v))
    t = torch.arange(length, device=u.device)
    log_poles = torch.view_as_complex(hyena.poles).log()
    h = (torch.view_as_complex(hyena.residues) * (log_poles * t).exp()).real.sum(1)
    spectrum = torch.fft.rfft(h, n=2 * length)
    w = x1 * v
    signal = torch.fft.fft(w.float(), n=2 * length)[..., : spectrum.shape[-1]]
    y = torch.fft.irfft(signal * spectrum, n=2 * length)[..., :length].to(w.dtype)
    y = (y + w * hyena.D[:, None]) * x2
    return block.out_filter_dense(y.transpose(1, 2))


def reference_attention(attention: Attention, u: Tensor) -> Tensor:
    batch, length, width = u.shape
    qkv = attention.Wqkv(u).view(batch, length, 3, attention.num_heads, -1)
    q, k = attention.rotary_emb(qkv[:, :, :2].transpose(0, 1), PLAIN).permute(2, 1, 3, 0, 4)
    v = qkv[:, :, 2].transpose(1, 2)
    y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return attention.out_proj(y.transpose(1, 2).reshape(batch, length, width))


def reference_forward(model: EvoForCausalLM, ids: Tensor) -> Tensor:
    backbone = model.backbone
    x = backbone.embedding_layer(ids)
    for block in backbone.blocks:
        u = reference_norm(x, block.pre_norm)
        if isinstance(block, AttentionBlock):
            mixed = reference_attention(block.inner_mha_cls, u)
        else:
            mixed = reference_hyena(block, u)
        x = mixed + x
        u = reference_norm(x, block.post_norm)
        x = block.mlp.l3(F.gelu(block.mlp.l1(u)) * block.mlp.l2(u)) + x
    final = reference_norm(x, backbone.norm)
    return final, final @ backbone.embedding_layer.weight.T


def flops(model: EvoForCausalLM, reads: int) -> float:
    """2 x parameters x tokens, and the causal half of attention."""
    tokens = reads * READ_LENGTH
    parameters = sum(weight.numel() for weight in model.parameters())
    layers = len(model.config.attn_layer_idxs)
    return tokens * (2 * parameters + layers * 2 * READ_LENGTH * model.config.hidden_size)


def seconds(function, device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    function()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


@torch.inference_mode()
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


def bench(config: EvoConfig, device: torch.device, dtype: torch.dtype, batch: int, rounds: int):
    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    with device:
        torch.manual_seed(0)
        model = EvoForCausalLM(config).eval()
    torch.set_default_dtype(default)
    provenance = Provenance(
        "random", None, "final", "mean", str(dtype), str(device), batch * READ_LENGTH, versions={}
    )
    embedder = Embedder(model, provenance)
    draw = random.Random(0)
    batches = 3 if device.type == "cuda" else 1
    reads = ["".join(draw.choices("ACGT", k=READ_LENGTH)) for _ in range(batch * batches)]
    ids = torch.from_numpy(encode(reads)).to(device).int()

    def ours() -> None:
        embedder.embed(reads, layer="final", tokens="mean", stored_dtype="float32")

    @torch.inference_mode()
    def reference(rows: int, num: int) -> None:
        for start in range(0, num, rows):
            final, logits = reference_forward(model, ids[start : start + rows])
            final.float().mean(1).cpu()
            targets = ids[start : start + rows, 1:].flatten().long()
            F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), targets)

    singles = min(batch, 16 if device.type == "cuda" else 4)
    ways = {
        "(a) evoflow": (ours, len(reads)),
        "(b) reference's forward": (lambda: reference(batch, len(reads)), len(reads)),
        "(c) reference's forward, batch 1": (lambda: reference(1, singles), singles),
    }
    for name, (way, _) in ways.items():
        print(f"  first call of {name}: {seconds(way, device):.1f} s", flush=True)
    times = {name: [] for name in ways}
    tops = []
    for _ in range(rounds):
        for name, (way, num) in ways.items():
            tops.append(products_per_second(device, dtype))
            times[name].append(seconds(way, device) / num)
    top = statistics.median(tops)
    base = statistics.median(times["(b) reference's forward"])
    print(f"  {sum(w.numel() for w in model.parameters()) / 1e6:.0f} M parameters, {dtype}")
    print(f"  ceiling, by products of large matrices: {top / 1e12:.3f} TFLOP/s")
    for name, taken in times.items():
        each = statistics.median(taken)
        share = flops(model, 1) / each / top
        print(
            f"  {name:34} {1 / each:9.2f} reads/s  {base / each:5.2f} x (b)"
            f"  {share:6.1%} of the ceiling"
        )


def bench_convolution(device: torch.device, dtype: torch.dtype, channels: int, tokens: int) -> None:
    """Where the FFT overtakes the product."""
    print(f"  long convolution, {channels} channels, {tokens} tokens: ms by product, by FFT")
    for length in (64, 128, 192, 256, 384, 512, 768, 1024):
        batch = max(1, tokens // length)
        x = torch.randn(channels, length, batch, device=device).to(dtype)
        taps = torch.randn(channels, length, device=device)
        matrices = convolution.triangular_matrices(taps.to(dtype), length)
        size = convolution.fft_size(length)
        spectrum = torch.fft.rfft(taps, n=size)
        both = {
            "product": lambda x=x, m=matrices: torch.bmm(m, x),
            "fft": lambda x=x, s=spectrum, n=size: convolution.fft_convolve(x, s, n, x.shape[1]),
        }
        with torch.inference_mode():
            took = {name: [] for name in both}
            for _ in range(6):
                for name, way in both.items():
                    took[name].append(seconds(way, device) * 1e3)
        print(f"    {length:5} {min(took['product']):8.2f} {min(took['fft']):8.2f}")


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
    model = EvoForCausalLM(config).eval()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with torch.inference_mode():
        took = seconds(lambda: model(torch.full((1, 131072), 65)), torch.device("cpu"))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(
        f"CPU, 131,072 tokens, 16 channels, 2 layers: {took:.0f} s, peak {grown / 1e3:.0f} MB more"
    )


def main() -> None:
    bench_long()
    cpu = torch.device("cpu")
    print(f"CPU, {torch.get_num_threads()} threads")
    small = EvoConfig(hidden_size=1024, num_layers=8, attn_layer_idxs=[4], num_attention_heads=8)
    bench(small, cpu, torch.float32, batch=16, rounds=5)
    bench_convolution(cpu, torch.float32, channels=1024, tokens=8192)
    if not torch.cuda.is_available():
        print("No GPU is present: the GPU part did not run.")
        return
    gpu = torch.device("cuda:0")
    print(torch.cuda.get_device_name(gpu))
    bench_convolution(gpu, torch.bfloat16, channels=4096, tokens=32768)
    bench(EvoConfig(), gpu, torch.bfloat16, batch=216, rounds=5)


if __name__ == "__main__":
    main()
