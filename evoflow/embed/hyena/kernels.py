"""The work between Evo's matrix products as Triton kernels, for NVIDIA GPUs.

Each computes what its namesake in `operations` does, in float32, in one pass over memory. They
take any shape, so that each is compiled once or twice, in about a second.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.nn import functional as F

TOKENS = 1024
"""Tokens of a channel that one program takes."""


@triton.jit
def _rms_norm(x, delta, total, out, scale, eps, WIDTH: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64) * WIDTH
    column = tl.arange(0, BLOCK)
    inside = column < WIDTH
    value = tl.load(x + row + column, mask=inside, other=0.0).to(tl.float32)
    if delta is not None:
        value += tl.load(delta + row + column, mask=inside, other=0.0).to(tl.float32)
        tl.store(total + row + column, value, mask=inside)
    root = tl.sqrt(tl.sum(value * value) / WIDTH) + eps
    learnt = tl.load(scale + column, mask=inside, other=0.0).to(tl.float32)
    tl.store(out + row + column, value / root * learnt, mask=inside)


def rms_norm(x: Tensor, scale: Tensor, eps: float) -> Tensor:
    """See `operations.rms_norm`."""
    x, width = x.contiguous(), x.shape[-1]
    out = torch.empty_like(x)
    grid = (x.numel() // width,)
    _rms_norm[grid](x, None, None, out, scale, eps, width, triton.next_power_of_2(width))
    return out


def add_rms_norm(x: Tensor, delta: Tensor, scale: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """See `operations.add_rms_norm`."""
    x, delta, width = x.contiguous(), delta.contiguous(), x.shape[-1]
    total, out = torch.empty_like(x), torch.empty_like(x)
    grid = (x.numel() // width,)
    _rms_norm[grid](x, delta, total, out, scale, eps, width, triton.next_power_of_2(width))
    return total, out


@triton.jit
def _gate(gate, x, out, size, GELU: tl.constexpr, BLOCK: tl.constexpr):
    index = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = index < size
    g = tl.load(gate + index, mask=inside).to(tl.float32)
    if GELU:
        g = 0.5 * g * (1 + tl.erf(g * 0.7071067811865476))
    value = tl.load(x + index, mask=inside).to(tl.float32)
    tl.store(out + index, g * value, mask=inside)


def gate(gate: Tensor, x: Tensor, activation: str) -> Tensor:
    """See `operations.gate`."""
    gate, x = gate.contiguous(), x.contiguous()
    out = torch.empty_like(gate)
    grid = (triton.cdiv(out.numel(), TOKENS),)
    _gate[grid](gate, x, out, out.numel(), activation == "gelu", TOKENS)
    return out


def add_gated_mlp(
    x: Tensor, u: Tensor, weights: tuple[Tensor, Tensor, Tensor], activation: str
) -> Tensor:
    """See `operations.add_gated_mlp`."""
    l1, l2, l3 = weights
    x = x.contiguous()
    hidden = gate(F.linear(u, l1), F.linear(u, l2), activation)
    x.view(-1, x.shape[-1]).addmm_(hidden.flatten(0, -2), l3.t())  # cuBLAS adds on the way out
    return x


@triton.jit
def _rotate(
    x, cos, sin, batch, length_stride, batch_stride, kind_stride, head_stride,
    HALF: tl.constexpr, HEADS: tl.constexpr, HALF_BLOCK: tl.constexpr, HEADS_BLOCK: tl.constexpr,
):  # fmt: skip
    token = tl.program_id(0).to(tl.int64)
    half = tl.arange(0, HALF_BLOCK)[None, :]
    head = tl.arange(0, HEADS_BLOCK)[:, None]
    inside = (half < HALF) & (head < HEADS)
    position = token // batch
    start = position * length_stride + token % batch * batch_stride
    first = x + start + tl.program_id(1) * kind_stride + head * head_stride + half
    angle = position * HALF + half
    c = tl.load(cos + angle, mask=half < HALF, other=0.0)
    s = tl.load(sin + angle, mask=half < HALF, other=0.0)
    a = tl.load(first, mask=inside, other=0.0).to(tl.float32)
    b = tl.load(first + HALF, mask=inside, other=0.0).to(tl.float32)
    tl.store(first, a * c - b * s, mask=inside)
    tl.store(first + HALF, a * s + b * c, mask=inside)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """See `operations.rotate`."""
    length, batch, kinds, heads, size = x.shape
    _rotate[(length * batch, kinds)](
        x, cos, sin, batch, *x.stride()[:4], size // 2, heads,
        triton.next_power_of_2(size // 2), triton.next_power_of_2(heads),
    )  # fmt: skip
    return x


@triton.jit
def _short_filter(z, bias, weight, shift, row, index, tokens, batch, TAPS: tl.constexpr):
    """Convolve one channel, `bias` added before and `shift` after, as float32."""
    added = 0.0
    if bias is not None:
        added += tl.load(bias + row).to(tl.float32)
    total = tl.zeros_like(index).to(tl.float32)
    if shift is not None:
        total += tl.load(shift + row).to(tl.float32)
    for lag in tl.static_range(TAPS):
        earlier = index - lag * batch
        known = (earlier >= 0) & (index < tokens)
        value = tl.load(z + row * tokens + earlier, mask=known, other=0.0).to(tl.float32)
        tap = tl.load(weight + row * TAPS + TAPS - 1 - lag).to(tl.float32)
        total += tl.where(known, value + added, 0.0) * tap
    return total


@triton.jit
def _hyena_gates(
    z, bias, weight, shift, x2, w, parts, batch_parts, w_parts,
    PART: tl.constexpr, HEAD: tl.constexpr, TAPS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    tokens, batch = parts * PART, batch_parts * PART
    channel = tl.program_id(1).to(tl.int64)
    index = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = index < tokens
    row = channel // HEAD * 3 * HEAD + channel % HEAD  # of x2; x1 and v follow a head size later
    gate = _short_filter(z, bias, weight, shift, row, index, tokens, batch, TAPS)
    x1 = _short_filter(z, bias, weight, shift, row + HEAD, index, tokens, batch, TAPS)
    v = _short_filter(z, bias, weight, shift, row + 2 * HEAD, index, tokens, batch, TAPS)
    tl.store(x2 + channel * tokens + index, gate, mask=inside)
    tl.store(w + channel * (w_parts * PART) + index, x1 * v, mask=inside)


def hyena_gates(
    z: Tensor, bias: Tensor | None, weight: Tensor, shift: Tensor | None, num_heads: int
) -> tuple[Tensor, Tensor]:
    """See `operations.hyena_gates`."""
    channels, length, batch = z.shape[0] // 3, *z.shape[1:]
    x2 = z.new_empty(channels, length, batch)
    w = z.new_empty(channels, length + -length % 8, batch)  # whole 16 bytes in a matrix' rows
    w[:, length:] = 0
    part = 8 if batch % 8 == 0 else 1  # so that the compiler knows what is aligned
    _hyena_gates[(triton.cdiv(length * batch, TOKENS), channels)](
        z, bias, weight, shift, x2, w, length * batch // part, batch // part,
        w.shape[1] * batch // part, part, channels // num_heads, weight.shape[-1], TOKENS,
    )  # fmt: skip
    return x2, w


@triton.jit
def _gated_convolution(
    w, taps, x2, out, parts, batch_parts, w_parts,
    PART: tl.constexpr, SERVED: tl.constexpr, TAPS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    tokens, batch = parts * PART, batch_parts * PART
    channel = tl.program_id(1).to(tl.int64)
    index = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = index < tokens
    row = w + channel * (w_parts * PART)
    total = tl.zeros_like(index).to(tl.float32)
    for lag in range(TAPS):
        earlier = index - lag * batch
        value = tl.load(row + earlier, mask=(earlier >= 0) & inside, other=0.0).to(tl.float32)
        total += value * tl.load(taps + channel // SERVED * TAPS + lag).to(tl.float32)
    at = channel * tokens + index
    gate = tl.load(x2 + at, mask=inside, other=0.0).to(tl.float32)
    tl.store(out + at, total * gate, mask=inside)


def gated_convolution(w: Tensor, taps: Tensor, x2: Tensor) -> Tensor:
    """See `operations.gated_convolution`."""
    channels, length, batch = x2.shape
    out, taps = torch.empty_like(x2), taps.contiguous()
    part = 8 if batch % 8 == 0 else 1  # so that the compiler knows what is aligned
    _gated_convolution[(triton.cdiv(length * batch, TOKENS), channels)](
        w, taps, x2, out, length * batch // part, batch // part, w.shape[1] * batch // part,
        part, channels // len(taps), taps.shape[1], TOKENS,
    )  # fmt: skip
    return out
