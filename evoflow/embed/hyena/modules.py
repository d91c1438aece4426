"""The modules that Evo 1 and Evo 2 share, and how a module is called.

Modules take and return (batch, length, channels), but in memory the length comes first: a token's
predecessor then lies a whole batch before it, so that no convolution has to shift within a row.
Inside a module, tensors have the axes that their comments say; both views of one memory are free.

Where modules are `plain`, several of them are computed at once, from their weights. A module that
is wrapped (by an adapter, say), hooked, offloaded or quantised is called instead, so that it does
whatever it does.
"""

from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.modules.module import _has_any_global_hook

from evoflow.embed.hyena.operations import Activation, Operations, fastest


class RMSNorm(nn.Module):
    """Root mean square normalisation with a learnt scale."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, L, C)."""
        x = x.transpose(0, 1)  # (L, B, C)
        return fastest(x).rms_norm(x, self.scale, self.eps).transpose(0, 1)


class GatedMLP(nn.Module):
    """`l3(activation(l1 u) * l2 u)`."""

    def __init__(self, width: int, inner: int, activation: Activation) -> None:
        super().__init__()
        self.activation = activation
        self.l1 = nn.Linear(width, inner, bias=False)
        self.l2 = nn.Linear(width, inner, bias=False)
        self.l3 = nn.Linear(inner, width, bias=False)

    def forward(self, u: Tensor) -> Tensor:
        """Transform (B, L, C)."""
        u = u.transpose(0, 1)  # (L, B, C)
        ops = fastest(u)
        gate, value = project(self.l1, u, ops), project(self.l2, u, ops)  # (L, B, inner) both
        return project(self.l3, ops.gate(gate, value, self.activation), ops).transpose(0, 1)


class Block(nn.Module):
    """A mixer of tokens, then the MLP; each adds to the residual stream."""

    mlp: GatedMLP

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.pre_norm, self.post_norm = RMSNorm(width, eps), RMSNorm(width, eps)

    def forward(self, x: Tensor) -> Tensor:
        """Transform the residual stream, (B, L, C)."""
        x = x.transpose(0, 1)  # (L, B, C)
        ops = fastest(x)
        mixed = self.mix(norm(self.pre_norm, x, ops), ops)
        x, u = add_norm(self.post_norm, x, mixed, ops)
        return add_mlp(self.mlp, x, u, ops).transpose(0, 1)

    def mix(self, u: Tensor, ops: Operations) -> Tensor:
        """Mix the tokens of (L, B, C)."""
        raise NotImplementedError


class KeepsExact(nn.Module):
    """A module with tensors that are never rounded, whatever type the model is moved to.

    Rounding poles moves Evo-1's logits by 5%, rounding or recomputing Evo 2's rotary frequencies
    turns its queries by a radian at 1,000 tokens.
    """

    exact: tuple[str, ...] = ()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        before = {name: getattr(self, name).detach() for name in self.exact}
        super()._apply(fn, recurse)
        for name, tensor in before.items():
            moved = getattr(self, name)
            if moved.dtype != tensor.dtype:
                moved.data = tensor.to(moved.device)
        return self


def plain(*modules: nn.Module) -> bool:
    """Whether modules do just what their classes say, so that their weights say all."""
    return not _has_any_global_hook() and all(map(_plain, modules))


def _plain(module: nn.Module) -> bool:
    return (
        type(module) in {nn.Linear, nn.Embedding, RMSNorm, GatedMLP}
        and "forward" not in module.__dict__  # where accelerate puts its own
        and not (
            module._forward_hooks  # noqa: SLF001
            or module._forward_pre_hooks  # noqa: SLF001
            or module._backward_hooks  # noqa: SLF001
            or module._backward_pre_hooks  # noqa: SLF001
        )
        and all(type(w) is nn.Parameter for w in module._parameters.values() if w is not None)  # noqa: SLF001
    )


def project(linear: nn.Linear, x: Tensor, ops: Operations) -> Tensor:
    """Apply a linear layer to (L, B, C)."""
    if plain(linear):
        return ops.linear(x, linear.weight, linear.bias)
    return linear(x.transpose(0, 1)).transpose(0, 1)


def project_channels_first(
    linear: nn.Linear, u: Tensor, ops: Operations
) -> tuple[Tensor, Tensor | None]:
    """Apply a linear layer to (L, B, C); return (C', L, B) and the bias that is still to add."""
    length, batch, width = u.shape
    if plain(linear):
        z = ops.linear(linear.weight, u.reshape(-1, width), None)  # (C', LB), no transposition
        return z.view(-1, length, batch), linear.bias
    return linear(u.transpose(0, 1)).permute(2, 1, 0).contiguous(), None


def project_from_channels_first(linear: nn.Linear, y: Tensor, ops: Operations) -> Tensor:
    """Apply a linear layer to (C, L, B); return (L, B, C')."""
    width, length, batch = y.shape
    if plain(linear):
        out = ops.linear(y.view(width, -1).t(), linear.weight, linear.bias)  # (LB, C')
        return out.view(length, batch, -1)
    return linear(y.permute(2, 1, 0)).transpose(0, 1)


def norm(module: RMSNorm, x: Tensor, ops: Operations) -> Tensor:
    """Normalise (L, B, C)."""
    if plain(module):
        return ops.rms_norm(x, module.scale, module.eps)
    return module(x.transpose(0, 1)).transpose(0, 1)


def add_norm(module: RMSNorm, x: Tensor, delta: Tensor, ops: Operations) -> tuple[Tensor, Tensor]:
    """Return `x + delta`, and it normalised; all (L, B, C)."""
    if plain(module):
        return ops.add_rms_norm(x, delta, module.scale, module.eps)
    x = x + delta
    return x, norm(module, x, ops)


def add_mlp(mlp: GatedMLP, x: Tensor, u: Tensor, ops: Operations) -> Tensor:
    """Return `x + mlp(u)`, all (L, B, C); `x` may be overwritten."""
    if plain(mlp) and plain(mlp.l1, mlp.l2, mlp.l3):
        weights = (mlp.l1.weight, mlp.l2.weight, mlp.l3.weight)
        return ops.add_gated_mlp(x, u, weights, mlp.activation)
    return x + mlp(u.transpose(0, 1)).transpose(0, 1)
