"""The ways to convolve: which is fastest for which filter, length and device.

    python tests/benchmarks/bench_convolution.py

Evo 2's filters of 7 and of 128 taps as a loop over lags, as a depthwise `conv1d`, as a product of
triangular matrices per channel or per group, and by FFT; then where the FFT overtakes the product
for filters as long as the input. Times include the multiplication by the gate.
"""

import time
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from evoflow.embed.hyena import convolution
from evoflow.embed.hyena.operations import PLAIN, fastest


def seconds(function, device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    function()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def fastest_of(ways: dict, device: torch.device) -> dict[str, float]:
    """Milliseconds of the quickest call of each way; rounds alternate between them."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(6):
        for name, way in ways.items():
            try:
                took[name].append(seconds(way, device) * 1e3)
            except torch.OutOfMemoryError:
                took[name].append(float("nan"))
    return {name: min(each) for name, each in took.items()}


def by_loop(w: Tensor, taps: Tensor, x2: Tensor) -> Tensor:
    """One pass over memory for each lag."""
    length = x2.shape[1]
    wide = w[:, :length].float().reshape(len(taps), -1, length, x2.shape[2])
    h = taps.float()[:, :, None, None, None]
    y = wide * h[:, 0]
    for lag in range(1, min(taps.shape[1], length)):
        y[:, :, lag:].addcmul_(wide[:, :, :-lag], h[:, lag])
    return y.view(x2.shape).to(x2.dtype) * x2


def by_product(w: Tensor, matrices: Tensor, x2: Tensor) -> Tensor:
    return torch.bmm(matrices, w) * x2


def by_group_product(w: Tensor, matrices: Tensor, x2: Tensor) -> Tensor:
    """One matrix for the neighbouring channels that a group's filter serves."""
    groups, length, columns = matrices.shape
    channels, batch = w.shape[0], w.shape[2]
    w = w.view(groups, -1, columns, batch).transpose(1, 2).reshape(groups, columns, -1)
    y = torch.bmm(matrices, w).view(groups, length, channels // groups, batch).transpose(1, 2)
    return y.reshape(x2.shape) * x2


def by_fft(w: Tensor, spectrum: Tensor, size: int, x2: Tensor) -> Tensor:
    return convolution.fft_convolve(w, spectrum, size, x2.shape[1]) * x2


@torch.inference_mode()
def bench_grouped(
    device: torch.device, dtype: torch.dtype, *, channels: int, groups: int, shapes: list
) -> None:
    for taps in (7, 128):
        for length, batch in shapes:
            w = torch.randn(channels, length, batch, device=device).to(dtype)
            x2 = torch.randn(channels, length, batch, device=device).to(dtype)
            h = torch.randn(groups, taps, device=device).to(dtype)
            padded = F.pad(h[:, :length].float(), (0, max(0, length - taps)))
            whole = padded.repeat_interleave(channels // groups, 0)
            size = convolution.fft_size(length)
            spectrum = torch.fft.rfft(whole, n=size)
            ways = {
                "plain loop over lags": partial(by_loop, w, h, x2),
                "depthwise conv1d": partial(PLAIN.gated_convolution, w, h, x2),
                "FFT": partial(by_fft, w, spectrum, size, x2),
            }
            if fastest(w) is not PLAIN and device.type == "cuda":
                ways["Triton loop over lags"] = partial(fastest(w).gated_convolution, w, h, x2)
            if length <= 1024:
                one = convolution.triangular_matrices(padded.to(dtype), length)
                each = convolution.triangular_matrices(whole.to(dtype), length)
                ways["product per group"] = partial(by_group_product, w, one, x2)
                ways["product per channel"] = partial(by_product, w, each, x2)
            took = fastest_of(ways, device)
            expected = PLAIN.gated_convolution(w.float(), h.float(), x2.float())
            print(f"  {taps} taps, {channels} channels in {groups} groups, {length} x {batch}: ms")
            for name, best in sorted(took.items(), key=lambda item: item[1]):
                got = ways[name]().float()
                error = float((got - expected).norm() / expected.norm())
                print(f"    {name:22} {best:9.3f}   error {error:.0e}", flush=True)


@torch.inference_mode()
def bench_long(device: torch.device, dtype: torch.dtype, channels: int, tokens: int) -> None:
    print(f"  filters as long as the input, {channels} channels, {tokens} tokens: ms")
    print("    length  product      FFT")
    for length in (64, 128, 192, 256, 384, 512, 768, 1024):
        batch = max(1, tokens // length)
        x = torch.randn(channels, length, batch, device=device).to(dtype)
        taps = torch.randn(channels, length, device=device)
        matrices = convolution.triangular_matrices(taps.to(dtype), length)
        size = convolution.fft_size(length)
        spectrum = torch.fft.rfft(taps, n=size)
        ways = {
            "product": partial(torch.bmm, matrices, x),
            "fft": partial(convolution.fft_convolve, x, spectrum, size, length),
        }
        took = fastest_of(ways, device)
        print(f"    {length:6} {took['product']:8.2f} {took['fft']:8.2f}", flush=True)


def bench(device: torch.device) -> None:
    """Measure all of it on a device."""
    if device.type == "cuda":
        shapes = [(150, 216), (152, 216), (8192, 4)]
        bench_grouped(device, torch.bfloat16, channels=4096, groups=256, shapes=shapes)
        bench_long(device, torch.bfloat16, 4096, 32768)
    else:
        shapes = [(150, 16), (1024, 2)]
        bench_grouped(device, torch.float32, channels=1024, groups=64, shapes=shapes)
        bench_long(device, torch.float32, 1024, 8192)


if __name__ == "__main__":
    chosen = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    print(torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else "CPU")
    bench(chosen)
