"""What Evo computes, as pure functions; where a device has something faster, that instead.

Newer GPUs have the work between matrix products in fused kernels; some CPUs multiply by oneDNN.
"""

from collections.abc import Callable
from functools import cache, wraps
from importlib.util import find_spec
from typing import Any, Literal, NamedTuple, TypeVar, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from evoflow.devices import onednn

Activation = Literal["gelu", "identity"]
"""What a gated MLP does to its gate: the exact GELU, or nothing."""

Weights = tuple[Tensor, Tensor, Tensor]
"""`l1`, `l2` and `l3` of a gated MLP."""


def rms_norm(x: Tensor, scale: Tensor, eps: float) -> Tensor:
    """Divide by the root mean square, to which `eps` is added outside the root; in float32."""
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    root: Tensor = torch.linalg.vector_norm(wide, dim=-1, keepdim=True) * x.shape[-1] ** -0.5
    return (wide * (root + eps).reciprocal() * scale).to(x.dtype)


def add_rms_norm(x: Tensor, delta: Tensor, scale: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Return `x + delta`, and its norm."""
    x = x + delta
    return x, rms_norm(x, scale, eps)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate the two halves of each head into each other, in float32.

    Parameters
    ----------
    x
        Queries and keys, shape=(length, batch, 2, heads, head_size); may be overwritten.
    cos, sin
        Of the angles, float32, shape=(length, head_size / 2).
    """
    cos, sin = cos[:, None, None, None], sin[:, None, None, None]
    first, second = x.to(torch.promote_types(x.dtype, torch.float32)).chunk(2, dim=-1)
    rotated = (first * cos - second * sin, first * sin + second * cos)
    return torch.cat(rotated, dim=-1).to(x.dtype)


def gate(gate: Tensor, x: Tensor, activation: Activation) -> Tensor:
    """Multiply by the activated gate."""
    return (F.gelu(gate) if activation == "gelu" else gate) * x


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return `x @ weight.T + bias`."""
    return F.linear(x, weight, bias)


def add_gated_mlp(x: Tensor, u: Tensor, weights: Weights, activation: Activation) -> Tensor:
    """Return `x + l3(activation(l1 u) * l2 u)`, shape=(..., hidden); `x` may be overwritten."""
    l1, l2, l3 = weights
    return x + F.linear(gate(F.linear(u, l1), F.linear(u, l2), activation), l3)


def hyena_gates(
    z: Tensor, bias: Tensor | None, weight: Tensor, shift: Tensor | None, num_heads: int
) -> tuple[Tensor, Tensor]:
    """Convolve with the short filter, then split into what gates and what is convolved further.

    Parameters
    ----------
    z
        Projections less their bias, shape=(3 * hidden, length, batch): of each head first x2,
        then x1, then v.
    bias
        Bias of the projections, shape=(3 * hidden,), if they have one.
    weight
        The short filter, shape=(3 * hidden, 1, taps); the last tap meets the present token.
    shift
        Bias of the short filter, shape=(3 * hidden,).

    Returns
    -------
    tuple of Tensor
        `x2` and `x1 * v`, both shape=(hidden, length, batch); the latter may have further rows of
        zeros, where that makes its product faster.
    """
    width, length, batch = z.shape
    taps = weight.shape[-1]
    if bias is None:
        y = z * weight[..., -1:]
        y = y if shift is None else y + shift[:, None, None]
    else:
        # What the biases add depends on how many taps meet a token: cheaper than a pass over z.
        met = torch.arange(length, device=z.device).clamp_max(taps - 1)
        constant = (bias[:, None] * weight[:, 0].flip(-1).cumsum(-1))[:, met]
        if shift is not None:
            constant = constant + shift[:, None]
        y = torch.addcmul(constant[..., None], z, weight[..., -1:])
    for lag in range(1, min(taps, length)):
        y[:, lag:].addcmul_(z[:, :-lag], weight[..., taps - 1 - lag, None])
    x2, x1, v = y.view(num_heads, 3, -1, length, batch).unbind(1)
    shape = (width // 3, length, batch)
    return x2.reshape(shape), (x1 * v).view(shape)


def gated_convolution(w: Tensor, taps: Tensor, x2: Tensor) -> Tensor:
    """Convolve causally with a filter of few taps, in float32, then multiply by `x2`.

    Parameters
    ----------
    w
        shape=(hidden, rows, batch); rows beyond the length of `x2` are not looked at.
    taps
        shape=(groups, taps), of which the first meets the present token; a group's filter serves
        hidden / groups neighbouring channels.
    x2
        shape=(hidden, length, batch).
    """
    channels, length, batch = x2.shape
    exact = torch.promote_types(w.dtype, torch.float32)
    weight = taps.to(exact).flip(1).repeat_interleave(channels // len(taps), 0)[:, None]
    row = w[:, :length].to(exact).reshape(1, channels, -1)  # a step of one token is one of a batch
    row = F.pad(row, ((taps.shape[1] - 1) * batch, 0))
    y = F.conv1d(row, weight, dilation=batch, groups=channels).view(x2.shape)
    return y.to(x2.dtype) * x2


Function = TypeVar("Function", bound=Callable[..., Any])


class Operations(NamedTuple):
    """The functions of this module, or what does the same faster."""

    rms_norm: Callable[[Tensor, Tensor, float], Tensor] = rms_norm
    add_rms_norm: Callable[[Tensor, Tensor, Tensor, float], tuple[Tensor, Tensor]] = add_rms_norm
    rotate: Callable[[Tensor, Tensor, Tensor], Tensor] = rotate
    linear: Callable[[Tensor, Tensor, Tensor | None], Tensor] = linear
    gate: Callable[[Tensor, Tensor, Activation], Tensor] = gate
    add_gated_mlp: Callable[[Tensor, Tensor, Weights, Activation], Tensor] = add_gated_mlp
    hyena_gates: Callable[
        [Tensor, Tensor | None, Tensor, Tensor | None, int], tuple[Tensor, Tensor]
    ] = hyena_gates
    gated_convolution: Callable[[Tensor, Tensor, Tensor], Tensor] = gated_convolution


PLAIN = Operations()


def fastest(x: Tensor) -> Operations:
    """Choose for tensors on the device and in the dtype of `x`; only `PLAIN` has gradients."""
    if torch.is_grad_enabled():
        return PLAIN
    if x.device.type == "cuda":
        return _on_gpu(x.device)
    if x.device.type == "cpu" and x.dtype == torch.float32:
        return _on_cpu()
    return PLAIN


@cache
def _on_gpu(device: torch.device) -> Operations:
    if find_spec("triton") is None or torch.cuda.get_device_capability(device) < (8, 0):
        return PLAIN
    from evoflow.embed.hyena import kernels

    return Operations(
        rms_norm=_there(kernels.rms_norm),
        add_rms_norm=_there(kernels.add_rms_norm),
        rotate=_there(kernels.rotate),
        gate=_there(kernels.gate),
        add_gated_mlp=_there(kernels.add_gated_mlp),
        hyena_gates=_there(kernels.hyena_gates),
        gated_convolution=_there(kernels.gated_convolution),
    )


def _there(function: Function) -> Function:
    """Launch kernels on the device of the first tensor, whichever is the current one."""

    @wraps(function)
    def launch(first: Tensor, *others: Any) -> Any:
        with torch.cuda.device_of(first):
            return function(first, *others)

    return cast("Function", launch)


@cache
def _on_cpu() -> Operations:
    product = onednn.pointwise()
    if product is None:
        return PLAIN

    def add_gated_mlp(x: Tensor, u: Tensor, weights: Weights, activation: Activation) -> Tensor:
        l1, l2, l3 = weights
        after = "gelu" if activation == "gelu" else "none"
        activated = product(u, l1, None, after, [], "none")
        return product.binary(product.binary(u, activated, l2, None, "mul"), x, l3, None, "add")

    return Operations(linear=onednn.linear, add_gated_mlp=add_gated_mlp)
