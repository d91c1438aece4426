"""Evo-1 (StripedHyena) in plain PyTorch.

Modules and parameters are named as in the published checkpoints, so that a state dict IS the
published layout. Every operation is causal: right-padded batches need no mask.

Inside, the axes are (length, batch, channels): a token's predecessor then lies a whole batch
before it, so that neither convolution has to shift within a row.
"""

from collections.abc import Callable, Hashable, Iterator
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from evoflow.embed.evo1.configuration import EvoConfig
from evoflow.embed.hyena import convolution
from evoflow.embed.hyena.convolution import FilterCache
from evoflow.embed.hyena.operations import Operations, fastest


class RMSNorm(nn.Module):
    """Root mean square normalisation with a learnt scale."""

    def __init__(self, config: EvoConfig) -> None:
        super().__init__()
        self.eps = config.eps
        self.scale = nn.Parameter(torch.ones(config.hidden_size))

    def forward(self, x: Tensor, ops: Operations) -> Tensor:
        """Normalise (..., hidden)."""
        return ops.rms_norm(x, self.scale, self.eps)

    def after_adding(self, x: Tensor, delta: Tensor, ops: Operations) -> tuple[Tensor, Tensor]:
        """Return `x + delta` and it normalised."""
        return ops.add_rms_norm(x, delta, self.scale, self.eps)


class GatedMLP(nn.Module):
    """`l3(gelu(l1 u) * l2 u)`."""

    def __init__(self, config: EvoConfig) -> None:
        super().__init__()
        self.l1 = nn.Linear(config.hidden_size, config.inner_mlp_size, bias=False)
        self.l2 = nn.Linear(config.hidden_size, config.inner_mlp_size, bias=False)
        self.l3 = nn.Linear(config.inner_mlp_size, config.hidden_size, bias=False)

    def add_to(self, x: Tensor, u: Tensor, ops: Operations) -> Tensor:
        """Add what becomes of `u` to `x`, both (..., hidden)."""
        return ops.add_gated_mlp(x, u, self.l1.weight, self.l2.weight, self.l3.weight)


class HyenaFilter(nn.Module):
    """The short and the long convolution of a hyena block, and the gates around them."""

    def __init__(self, config: EvoConfig, layer: int, cache: FilterCache) -> None:
        super().__init__()
        self.layer = layer
        width, states = config.hidden_size, config.state_size
        self.num_heads = config.num_attention_heads
        self.cache = cache
        self.short_filter_weight = nn.Parameter(
            torch.empty(3 * width, 1, config.short_filter_length)
        )
        self.short_filter_bias = (
            nn.Parameter(torch.empty(3 * width)) if config.short_filter_bias else None
        )
        self.D = nn.Parameter(torch.empty(width))
        self.poles = nn.Parameter(torch.empty(width, states, 1, 2, dtype=torch.float32))
        self.residues = nn.Parameter(torch.empty(width, states, 1, 2, dtype=torch.float32))

    def forward(self, z: Tensor, bias: Tensor, ops: Operations) -> Tensor:
        """Gate and convolve the projections `z + bias`, (3C, L, B) to (C, L, B)."""
        x2, w = ops.hyena_gates(  # (C, L, B) both
            z, bias, self.short_filter_weight, self.short_filter_bias, self.num_heads
        )
        return self.convolve(w, z.shape[1]) * x2

    def convolve(self, w: Tensor, length: int) -> Tensor:
        """Convolve (C, L, B) with the long filter, the skip `D * w` included.

        What `w` has beyond the length are zeros.
        """
        columns = w.shape[1]
        if length <= convolution.LONGEST_PRODUCT[w.device.type]:
            matrices = self._kept(
                length,
                (w.dtype, columns),
                lambda: convolution.triangular_matrices(self._taps(length).to(w.dtype), columns),
            )
            return torch.bmm(matrices, w)
        size = convolution.fft_size(length)
        return torch.cat(
            [
                convolution.fft_convolve(w[part], self._spectrum(length, size, part), size, length)
                for part in convolution.fft_parts(len(w), size, w.device)
            ]
        )

    def _spectrum(self, length: int, size: int, part: slice) -> Tensor:
        def compute() -> Tensor:
            return torch.fft.rfft(self._taps(length, part), n=size)

        return self._kept(length, part.start, compute)

    def _taps(self, length: int, part: slice = slice(None)) -> Tensor:
        """Taps of the long filter, shape=(channels, length); D is added to the first."""
        taps = convolution.modal_filter(self.poles[part], self.residues[part], length)
        return taps + F.pad(self.D[part, None].float(), (0, length - 1))

    def _kept(self, length: int, part: Hashable, compute: Callable[[], Tensor]) -> Tensor:
        """Compute through the cache, unless gradients must flow to the weights."""
        weights = (self.poles, self.residues, self.D)
        if torch.is_grad_enabled() and any(weight.requires_grad for weight in weights):
            return compute()
        return self.cache.get(length, (self.layer, part), weights, compute)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move as asked, but keep poles and residues in float32: rounding moves logits by 5%."""
        exact = {"poles": self.poles.data, "residues": self.residues.data}
        self.cache.clear()
        super()._apply(fn, recurse)
        for name, before in exact.items():
            moved = getattr(self, name)
            if moved.dtype != torch.float32:
                moved.data = before.to(moved.device)
        return self


class HyenaBlock(nn.Module):
    """Gated convolutions, then the MLP."""

    def __init__(self, config: EvoConfig, layer: int, cache: FilterCache) -> None:
        super().__init__()
        width = config.hidden_size
        self.pre_norm, self.post_norm = RMSNorm(config), RMSNorm(config)
        self.projections = nn.Linear(width, 3 * width)
        self.filter = HyenaFilter(config, layer, cache)
        self.out_filter_dense = nn.Linear(width, width)
        self.mlp = GatedMLP(config)

    def forward(self, x: Tensor, ops: Operations) -> Tensor:
        """Transform the residual stream, (L, B, C)."""
        x, u = self.post_norm.after_adding(x, self.mix(self.pre_norm(x, ops), ops), ops)
        return self.mlp.add_to(x, u, ops)

    def mix(self, u: Tensor, ops: Operations) -> Tensor:
        """Mix tokens channels-first, so that no step has to transpose anything in memory."""
        length, batch, width = u.shape
        z = ops.linear(self.projections.weight, u.view(-1, width), None)  # (3C, LB)
        y = self.filter(z.view(-1, length, batch), self.projections.bias, ops)  # (C, L, B)
        out = self.out_filter_dense
        return ops.linear(y.view(width, -1).t(), out.weight, out.bias).view(u.shape)


class RotaryEmbedding(nn.Module):
    """Rotation of queries and keys by their positions, in halves (not interleaved)."""

    def __init__(self, config: EvoConfig) -> None:
        super().__init__()
        self.head_size, self.base = config.head_size, config.rotary_emb_base
        self.scale = config.rotary_scale

    def frequencies(self, device: torch.device) -> Tensor:
        """Radians per position, float32, shape=(head_size / 2,)."""
        exponents = torch.arange(0, self.head_size, 2, device=device, dtype=torch.float32)
        return self.base ** (-exponents / self.head_size)

    def forward(self, x: Tensor, ops: Operations) -> Tensor:
        """Rotate x, shape=(L, B, 2, heads, head_size), which may be overwritten."""
        positions = torch.arange(x.shape[0], device=x.device, dtype=torch.float32) / self.scale
        angles = torch.outer(positions, self.frequencies(x.device))  # (L, D/2)
        return ops.rotate(x, angles.cos(), angles.sin())


class Attention(nn.Module):
    """Causal multi-head attention."""

    def __init__(self, config: EvoConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.num_heads = config.num_attention_heads
        self.Wqkv = nn.Linear(width, 3 * width, bias=config.qkv_proj_bias)
        self.out_proj = nn.Linear(width, width, bias=config.mha_out_proj_bias)
        self.rotary_emb = RotaryEmbedding(config)

    def forward(self, u: Tensor, ops: Operations) -> Tensor:
        """Mix the tokens of (L, B, C)."""
        length, batch, width = u.shape
        qkv = ops.linear(u, self.Wqkv.weight, self.Wqkv.bias)
        qkv = qkv.view(length, batch, 3, self.num_heads, -1)
        q, k = self.rotary_emb(qkv[:, :, :2], ops).permute(2, 1, 3, 0, 4)  # (B, H, L, D)
        v = qkv[:, :, 2].permute(1, 2, 0, 3)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        y = y.permute(2, 0, 1, 3).reshape(length, batch, width)
        return ops.linear(y, self.out_proj.weight, self.out_proj.bias)


class AttentionBlock(nn.Module):
    """Attention, then the MLP."""

    def __init__(self, config: EvoConfig) -> None:
        super().__init__()
        self.pre_norm, self.post_norm = RMSNorm(config), RMSNorm(config)
        self.inner_mha_cls = Attention(config)
        self.mlp = GatedMLP(config)

    def forward(self, x: Tensor, ops: Operations) -> Tensor:
        """Transform the residual stream, (L, B, C)."""
        x, u = self.post_norm.after_adding(x, self.inner_mha_cls(self.pre_norm(x, ops), ops), ops)
        return self.mlp.add_to(x, u, ops)


class StripedHyena(nn.Module):
    """Embedding, blocks, last norm and unembedding."""

    def __init__(self, config: EvoConfig) -> None:
        super().__init__()
        self.filter_cache = FilterCache(max_bytes=2**31)
        self.embedding_layer = nn.Embedding(config.vocab_size, config.hidden_size)
        self.blocks = nn.ModuleList(
            AttentionBlock(config)
            if layer in config.attn_layer_idxs
            else HyenaBlock(config, layer, self.filter_cache)
            for layer in range(config.num_layers)
        )
        self.norm = RMSNorm(config) if config.final_norm else None
        self.unembed = (
            None if config.tie_embeddings else nn.Embedding(config.vocab_size, config.hidden_size)
        )

    def forward(self, input_ids: Tensor, num_blocks: int | None = None) -> Iterator[Tensor]:
        """Yield the residual stream: the embedding, then after each of the first blocks.

        Parameters
        ----------
        input_ids
            Integers, shape=(batch, length).
        num_blocks
            Blocks to run; all of them when absent.

        Yields
        ------
        Tensor
            shape=(batch, length, hidden).
        """
        x = self.embedding_layer(input_ids.t())  # (L, B, C), what all blocks work on
        ops = fastest(x)
        yield x.transpose(0, 1)
        for block in self.blocks[:num_blocks]:
            x = block(x, ops)
            yield x.transpose(0, 1)

    def finish(self, x: Tensor) -> Tensor:
        """Apply the last norm to what `forward` yielded last."""
        if self.norm is None:
            return x
        return self.norm(x.transpose(0, 1), fastest(x)).transpose(0, 1)

    def logits(self, final: Tensor) -> Tensor:
        """Unembed what `finish` returned."""
        weight = (self.unembed or self.embedding_layer).weight
        return fastest(final).linear(final.transpose(0, 1), weight, None).transpose(0, 1)
