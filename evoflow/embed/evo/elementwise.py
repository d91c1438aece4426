"""The work between Evo's matrix products, as pure functions; on newer GPUs, as fused kernels."""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


def rms_norm(x: Tensor, scale: Tensor, eps: float) -> Tensor:
    """Divide by the root mean square, to which `eps` is added outside the root; in float32."""
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    root: Tensor = torch.linalg.vector_norm(wide, dim=-1, keepdim=True) * x.shape[-1] ** -0.5
    return (wide * (root + eps).reciprocal() * scale).to(x.dtype)


def add_rms_norm(x: Tensor, delta: Tensor, scale: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Return `x + delta`, and its norm."""
    x = x + delta
    return x, rms_norm(x, scale, eps)


def gated_gelu(gate: Tensor, x: Tensor) -> Tensor:
    """Multiply by the exact GELU of the gate."""
    return F.gelu(gate) * x


def hyena_gates(
    z: Tensor, bias: Tensor, weight: Tensor, shift: Tensor | None, num_heads: int
) -> tuple[Tensor, Tensor]:
    """Convolve with the short filter, then split into what gates and what is convolved further.

    Parameters
    ----------
    z
        Projections less their bias, shape=(3 * hidden, batch, length): of each head first x2,
        then x1, then v.
    bias
        Bias of the projections, shape=(3 * hidden,).
    weight
        The short filter, shape=(3 * hidden, 1, taps); the last tap meets the present token.
    shift
        Bias of the short filter, shape=(3 * hidden,).

    Returns
    -------
    tuple of Tensor
        `x2` and `x1 * v`, both shape=(hidden, batch, length).
    """
    width, batch, length = z.shape
    taps = weight.shape[-1]
    # What the biases add depends on how many taps meet a token: cheaper than a pass over z.
    met = torch.arange(length, device=z.device).clamp_max(taps - 1)
    constant = (bias[:, None] * weight[:, 0].flip(-1).cumsum(-1))[:, met]
    if shift is not None:
        constant = constant + shift[:, None]
    y = torch.addcmul(constant[:, None], z, weight[..., -1:])
    for lag in range(1, min(taps, length)):
        y[..., lag:].addcmul_(z[..., :-lag], weight[..., taps - 1 - lag, None])
    x2, x1, v = y.view(num_heads, 3, -1, batch, length).unbind(1)
    shape = (width // 3, batch, length)
    return x2.reshape(shape), (x1 * v).view(shape)


class Elementwise(NamedTuple):
    """The functions of this module, or the kernels that do the same."""

    rms_norm: Callable[[Tensor, Tensor, float], Tensor]
    add_rms_norm: Callable[[Tensor, Tensor, Tensor, float], tuple[Tensor, Tensor]]
    gated_gelu: Callable[[Tensor, Tensor], Tensor]
    hyena_gates: Callable[[Tensor, Tensor, Tensor, Tensor | None, int], tuple[Tensor, Tensor]]


PLAIN = Elementwise(rms_norm, add_rms_norm, gated_gelu, hyena_gates)


def fastest(device: torch.device) -> Elementwise:
    """Choose for a device; kernels have no gradients, and need an A100 or newer."""
    if device.type != "cuda" or torch.is_grad_enabled():
        return PLAIN
    return _kernels(device)


@cache
def _kernels(device: torch.device) -> Elementwise:
    if find_spec("triton") is None or torch.cuda.get_device_capability(device) < (8, 0):
        return PLAIN
    from evoflow.embed.evo import kernels

    return Elementwise(
        kernels.rms_norm,
        kernels.add_rms_norm,
        kernels.gated_gelu,
        kernels.hyena_gates,
    )
