"""Evo-1 (StripedHyena) in plain PyTorch.

Modules and parameters are named as in the published checkpoints, so that a state dict IS the
published layout. Every operation is causal: right-padded batches need no mask.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from evoflow.embed.evo1.sizes import EvoSizes
from evoflow.embed.hyena.backbone import Backbone
from evoflow.embed.hyena.convolution import FilterCache, LongConvolution, complex_modal_filter
from evoflow.embed.hyena.model import Hyena
from evoflow.embed.hyena.modules import (
    Block,
    GatedMLP,
    KeepsExact,
    RMSNorm,
    project,
    project_channels_first,
    project_from_channels_first,
)
from evoflow.embed.hyena.operations import Operations, fastest


class HyenaFilter(KeepsExact):
    """The short and the long convolution of a hyena block, and the gates around them."""

    exact = ("poles", "residues")

    def __init__(self, config: EvoSizes, layer: int, cache: FilterCache) -> None:
        super().__init__()
        width, states = config.hidden_size, config.state_size
        self.num_heads = config.num_attention_heads
        self.short_filter_weight = nn.Parameter(
            torch.empty(3 * width, 1, config.short_filter_length)
        )
        self.short_filter_bias = (
            nn.Parameter(torch.empty(3 * width)) if config.short_filter_bias else None
        )
        self.D = nn.Parameter(torch.empty(width))
        self.poles = nn.Parameter(torch.empty(width, states, 1, 2, dtype=torch.float32))
        self.residues = nn.Parameter(torch.empty(width, states, 1, 2, dtype=torch.float32))
        self.convolve = LongConvolution(cache, layer)

    def forward(self, z: Tensor, bias: Tensor | None) -> Tensor:
        """Gate and convolve the projections `z + bias`, (B, L, 3C) to (B, L, C)."""
        z = z.permute(2, 1, 0)  # (3C, L, B), as it lies in memory
        x2, w = fastest(z).hyena_gates(  # (C, L, B) both
            z, bias, self.short_filter_weight, self.short_filter_bias, self.num_heads
        )
        weights = (self.poles, self.residues, self.D)
        y = self.convolve(w, z.shape[1], self.taps, weights) * x2
        return y.permute(2, 1, 0)  # (B, L, C)

    def taps(self, length: int, part: slice) -> Tensor:
        """Taps of some channels' long filters, (channels, length); D is added to the first."""
        taps = complex_modal_filter(self.poles[part], self.residues[part], length)
        return taps + F.pad(self.D[part, None].float(), (0, length - 1))


class HyenaBlock(Block):
    """Gated convolutions, then the MLP."""

    def __init__(self, config: EvoSizes, layer: int, cache: FilterCache) -> None:
        width = config.hidden_size
        super().__init__(width, config.eps)
        self.projections = nn.Linear(width, 3 * width)
        self.filter = HyenaFilter(config, layer, cache)
        self.out_filter_dense = nn.Linear(width, width)
        self.mlp = GatedMLP(width, config.inner_mlp_size, "gelu")

    def mix(self, u: Tensor, ops: Operations) -> Tensor:
        """Mix the tokens of (L, B, C)."""
        z, bias = project_channels_first(self.projections, u, ops)  # (3C, L, B)
        y = self.filter(z.permute(2, 1, 0), bias).permute(2, 1, 0)  # (C, L, B)
        return project_from_channels_first(self.out_filter_dense, y, ops)


class RotaryEmbedding(nn.Module):
    """Rotation of queries and keys by their positions, in halves (not interleaved)."""

    def __init__(self, config: EvoSizes) -> None:
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

    def __init__(self, config: EvoSizes) -> None:
        super().__init__()
        width = config.hidden_size
        self.num_heads = config.num_attention_heads
        self.Wqkv = nn.Linear(width, 3 * width, bias=config.qkv_proj_bias)
        self.out_proj = nn.Linear(width, width, bias=config.mha_out_proj_bias)
        self.rotary_emb = RotaryEmbedding(config)

    def forward(self, u: Tensor) -> Tensor:
        """Mix the tokens of (B, L, C)."""
        u = u.transpose(0, 1)  # (L, B, C)
        length, batch, width = u.shape
        ops = fastest(u)
        qkv = project(self.Wqkv, u, ops).view(length, batch, 3, self.num_heads, -1)
        q, k = self.rotary_emb(qkv[:, :, :2], ops).permute(2, 1, 3, 0, 4)  # (B, H, L, D)
        v = qkv[:, :, 2].permute(1, 2, 0, 3)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        y = y.permute(2, 0, 1, 3).reshape(length, batch, width)
        return project(self.out_proj, y, ops).transpose(0, 1)


class AttentionBlock(Block):
    """Attention, then the MLP."""

    def __init__(self, config: EvoSizes) -> None:
        super().__init__(config.hidden_size, config.eps)
        self.inner_mha_cls = Attention(config)
        self.mlp = GatedMLP(config.hidden_size, config.inner_mlp_size, "gelu")

    def mix(self, u: Tensor, ops: Operations) -> Tensor:  # noqa: ARG002
        """Mix the tokens of (L, B, C)."""
        return self.inner_mha_cls(u.transpose(0, 1)).transpose(0, 1)


class StripedHyena(Backbone, nn.Module):
    """Embedding, blocks, last norm and unembedding."""

    def __init__(self, config: EvoSizes) -> None:
        super().__init__()
        self.filter_cache = FilterCache(max_bytes=2**31)
        self.embedding_layer = nn.Embedding(config.vocab_size, config.hidden_size)
        self.blocks = nn.ModuleList(
            AttentionBlock(config)
            if layer in config.attn_layer_idxs
            else HyenaBlock(config, layer, self.filter_cache)
            for layer in range(config.num_layers)
        )
        self.norm = RMSNorm(config.hidden_size, config.eps) if config.final_norm else None
        self.unembed = (
            None if config.tie_embeddings else nn.Embedding(config.vocab_size, config.hidden_size)
        )

    forward = Backbone.residual_stream


class Evo(Hyena):
    """Evo-1: reads and writes the published checkpoints.

    Poles and residues of the filters stay float32 in whatever type the model is.
    """

    def add_modules(self, config: EvoSizes) -> None:
        """Make the modules, under their published names."""
        self.backbone = StripedHyena(config)

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Draw weights under which filters decay, fast to slowly."""
        super()._init_weights(module)
        if isinstance(module, HyenaFilter):
            module.short_filter_weight.normal_(std=module.short_filter_weight.shape[-1] ** -0.5)
            if module.short_filter_bias is not None:
                module.short_filter_bias.zero_()
            module.D.normal_()
            # Poles inside the unit circle: decay times are log-uniform from 1 to 1000 tokens.
            decay = -torch.exp(-torch.empty_like(module.poles[..., 0]).uniform_(0, math.log(1000)))
            angle = torch.empty_like(decay).uniform_(-math.pi, math.pi)
            module.poles.copy_(torch.view_as_real(torch.polar(decay.exp(), angle)))
            energy = (1 - (2 * decay).exp())[..., None] / (2 * decay.shape[1])
            module.residues.normal_().mul_(energy.sqrt())
