"""The work between Evo's matrix products, as pure functions that a compiler can fuse."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


def rms_norm(x: Tensor, scale: Tensor, eps: float) -> Tensor:
    """Divide by the root mean square, to which `eps` is added outside the root; in float32."""
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    root: Tensor = torch.linalg.vector_norm(wide, dim=-1, keepdim=True) * x.shape[-1] ** -0.5
    return (wide * (root + eps).reciprocal() * scale).to(x.dtype)


def gated_gelu(gate: Tensor, x: Tensor) -> Tensor:
    """Multiply by the exact GELU of the gate."""
    return F.gelu(gate) * x


def hyena_gates(
    z: Tensor, weight: Tensor, bias: Tensor | None, num_heads: int
) -> tuple[Tensor, Tensor]:
    """Convolve with the short filter, then split into what gates and what is convolved further.

    Parameters
    ----------
    z
        Projections, shape=(3 * hidden, batch, length): of each head first x2, then x1, then v.
    weight
        shape=(3 * hidden, 1, taps); the last tap meets the present token.
    bias
        shape=(3 * hidden,).

    Returns
    -------
    tuple of Tensor
        `x2` and `x1 * v`, both shape=(hidden, batch, length).
    """
    width, batch, length = z.shape
    taps = weight.shape[-1]
    present = weight[..., -1:]
    y = z * present if bias is None else torch.addcmul(bias[:, None, None], z, present)
    for lag in range(1, min(taps, length)):
        y[..., lag:].addcmul_(z[..., :-lag], weight[..., taps - 1 - lag, None])
    x2, x1, v = y.view(num_heads, 3, -1, batch, length).unbind(1)
    shape = (width // 3, batch, length)
    return x2.reshape(shape), (x1 * v).view(shape)


class Elementwise(NamedTuple):
    """The functions of this module, as they are or compiled."""

    rms_norm: Callable[[Tensor, Tensor, float], Tensor]
    gated_gelu: Callable[[Tensor, Tensor], Tensor]
    hyena_gates: Callable[[Tensor, Tensor, Tensor | None, int], tuple[Tensor, Tensor]]


EAGER = Elementwise(rms_norm, gated_gelu, hyena_gates)


@cache
def compiled() -> Elementwise:
    """Compile each function into one kernel for any shape; takes seconds at its first calls."""
    return Elementwise(
        torch.compile(rms_norm, dynamic=True),
        torch.compile(gated_gelu, dynamic=True),
        torch.compile(hyena_gates, dynamic=True),
    )
