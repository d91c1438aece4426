"""Evo 2 (StripedHyena 2) in plain PyTorch.

Modules and parameters are named as in the published checkpoints, so that a state dict IS the
published layout. Every operation is causal: right-padded batches need no mask.

Three kinds of hyena blocks alternate with attention: `hcs` convolves with a short filter, `hcm`
with one of medium length and `hcl` with one as long as the sequence.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from evoflow.embed.evo2.sizes import Evo2Sizes
from evoflow.embed.hyena.backbone import Backbone
from evoflow.embed.hyena.convolution import (
    LONGEST_PRODUCT,
    FilterCache,
    LongConvolution,
    real_modal_filter,
)
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
    """The convolution of the projections and the gates; subclasses convolve what is gated."""

    def __init__(self, config: Evo2Sizes) -> None:
        super().__init__()
        self.width = config.hidden_size
        self.short_filter_weight = nn.Parameter(
            torch.empty(3 * self.width, 1, config.short_filter_length)
        )

    def forward(self, z: Tensor, bias: Tensor | None) -> Tensor:
        """Gate and convolve the projections `z + bias`, (B, L, 3C) to (B, L, C)."""
        z = z.permute(2, 1, 0)  # (3C, L, B), as it lies in memory
        # Channels go in threes, x2, x1 and v: as if each channel were a head.
        x2, w = fastest(z).hyena_gates(  # (C, L, B) both
            z, bias, self.short_filter_weight, None, self.width
        )
        return self.gated(w, x2).permute(2, 1, 0)  # (B, L, C)

    def gated(self, w: Tensor, x2: Tensor) -> Tensor:
        """Convolve `w`, then multiply by `x2`, all (C, L, B); further rows of `w` are zeros."""
        raise NotImplementedError

    def per_channel(self, taps: Tensor, part: slice) -> Tensor:
        """Give neighbouring channels the filter of their group, (G, taps) to (channels, taps)."""
        return taps.repeat_interleave(self.width // len(taps), dim=0)[part]


class ShortFilter(HyenaFilter):
    """`hcs`: a few taps per group, of which the last meets the present token."""

    def __init__(self, config: Evo2Sizes) -> None:
        super().__init__(config)
        self.h = nn.Parameter(torch.empty(config.hcs_filter_groups, 1, config.hcs_filter_length))

    def gated(self, w: Tensor, x2: Tensor) -> Tensor:
        """See `HyenaFilter`."""
        return fastest(w).gated_convolution(w, self.h[:, 0].flip(1), x2)


class MediumFilter(HyenaFilter):
    """`hcm`: taps per group, of which the first meets the present token, and the skip `D * w`."""

    def __init__(self, config: Evo2Sizes, layer: int, cache: FilterCache) -> None:
        super().__init__(config)
        self.h = nn.Parameter(torch.empty(config.hcm_filter_groups, 1, config.hcm_filter_length))
        self.D = nn.Parameter(torch.empty(self.width))
        self.convolve = LongConvolution(cache, layer)

    def gated(self, w: Tensor, x2: Tensor) -> Tensor:
        """See `HyenaFilter`."""
        length = x2.shape[1]
        if length > LONGEST_PRODUCT[w.device.type]:
            return fastest(w).gated_convolution(w, self.taps(self.h.shape[-1]), x2)
        return self.convolve(w, length, self.taps, (self.h, self.D)) * x2

    def taps(self, length: int, part: slice = slice(None)) -> Tensor:
        """Taps of some channels, (channels, length); D is added to the first."""
        h = self.per_channel(self.h[:, 0, :length].float(), part)
        taps = F.pad(h, (0, length - h.shape[1]))
        return taps + F.pad(self.D[part, None].float(), (0, length - 1))


class LongFilter(HyenaFilter):
    """`hcl`: a sum of decaying exponentials, and the skip `D * w`."""

    exact = ("log_poles", "residues")

    def __init__(self, config: Evo2Sizes, layer: int, cache: FilterCache) -> None:
        super().__init__(config)
        groups, states = config.hcl_filter_groups or self.width, config.state_size
        self.log_poles = nn.Parameter(torch.empty(groups, states, 1, dtype=torch.float32))
        self.residues = nn.Parameter(torch.empty(groups, states, dtype=torch.float32))
        self.D = nn.Parameter(torch.empty(self.width))
        self.convolve = LongConvolution(cache, layer)

    def gated(self, w: Tensor, x2: Tensor) -> Tensor:
        """See `HyenaFilter`."""
        weights = (self.log_poles, self.residues, self.D)
        return self.convolve(w, x2.shape[1], self.taps, weights) * x2

    def taps(self, length: int, part: slice = slice(None)) -> Tensor:
        """Taps of some channels, (channels, length); D is added to the first."""
        taps = self.per_channel(real_modal_filter(self.log_poles, self.residues, length), part)
        return taps + F.pad(self.D[part, None].float(), (0, length - 1))


class HyenaBlock(Block):
    """Gated convolutions, then the MLP."""

    def __init__(self, config: Evo2Sizes, layer: int, cache: FilterCache) -> None:
        width = config.hidden_size
        super().__init__(width, config.eps)
        self.projections = nn.Linear(width, 3 * width, bias=False)
        if layer in config.hcs_layer_idxs:
            self.filter: HyenaFilter = ShortFilter(config)
        elif layer in config.hcm_layer_idxs:
            self.filter = MediumFilter(config, layer, cache)
        else:
            self.filter = LongFilter(config, layer, cache)
        self.out_filter_dense = nn.Linear(width, width)
        self.mlp = mlp(config, layer)

    def mix(self, u: Tensor, ops: Operations) -> Tensor:
        """Mix the tokens of (L, B, C)."""
        z, bias = project_channels_first(self.projections, u, ops)  # (3C, L, B)
        y = self.filter(z.permute(2, 1, 0), bias).permute(2, 1, 0)  # (C, L, B)
        return project_from_channels_first(self.out_filter_dense, y, ops)


class RotaryEmbedding(KeepsExact):
    """Rotation of queries and keys by their positions, in halves (not interleaved).

    The frequencies are those of the checkpoint, `base ** (-2j / head_size)` rounded to bfloat16
    before the model was trained.
    """

    exact = ("inv_freq",)
    inv_freq: Tensor

    def __init__(self, config: Evo2Sizes) -> None:
        super().__init__()
        self.scale = config.rotary_scale
        # On the meta device, arithmetic would import torch's compiler.
        evens = torch.arange(0, config.head_size, 2, dtype=torch.float32, device="cpu")
        frequencies = (config.rotary_emb_base ** -(evens / config.head_size)).bfloat16()
        self.register_buffer("inv_freq", frequencies.to(torch.get_default_device()))

    def forward(self, x: Tensor, ops: Operations) -> Tensor:
        """Rotate x, shape=(L, B, 2, heads, head_size), which may be overwritten."""
        positions = torch.arange(x.shape[0], device=x.device, dtype=torch.float32) / self.scale
        angles = torch.outer(positions, self.inv_freq.float())  # (L, D/2)
        return ops.rotate(x, angles.cos(), angles.sin())


class Attention(nn.Module):
    """Causal multi-head attention."""

    def __init__(self, config: Evo2Sizes) -> None:
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
        qkv = project(self.Wqkv, u, ops).view(length, batch, self.num_heads, 3, -1)
        qkv = qkv.transpose(2, 3)  # (L, B, 3, H, D)
        q, k = self.rotary_emb(qkv[:, :, :2], ops).permute(2, 1, 3, 0, 4)  # (B, H, L, D)
        v = qkv[:, :, 2].permute(1, 2, 0, 3)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        y = y.permute(2, 0, 1, 3).reshape(length, batch, width)
        return project(self.out_proj, y, ops).transpose(0, 1)


class AttentionBlock(Block):
    """Attention, then the MLP."""

    def __init__(self, config: Evo2Sizes, layer: int) -> None:
        super().__init__(config.hidden_size, config.eps)
        self.inner_mha_cls = Attention(config)
        self.mlp = mlp(config, layer)

    def mix(self, u: Tensor, ops: Operations) -> Tensor:  # noqa: ARG002
        """Mix the tokens of (L, B, C)."""
        return self.inner_mha_cls(u.transpose(0, 1)).transpose(0, 1)


def mlp(config: Evo2Sizes, layer: int) -> GatedMLP:
    """Make a block's MLP, which is activated in the first block alone."""
    return GatedMLP(config.hidden_size, config.inner_mlp_size, "gelu" if layer == 0 else "identity")


class Evo2(Backbone, Hyena):
    """Evo 2: reads and writes the published checkpoints.

    Poles and residues of the long filters stay float32 in whatever type the model is, and the
    rotary frequencies stay as the checkpoint has them. Other than Evo-1's, Evo 2's published
    names have no prefix: the model is its own backbone.
    """

    def add_modules(self, config: Evo2Sizes) -> None:
        """Make the modules, under their published names."""
        width = config.hidden_size
        self.filter_cache = FilterCache(max_bytes=2**31)
        self.embedding_layer = nn.Embedding(config.vocab_size, width)
        self.blocks = nn.ModuleList(
            AttentionBlock(config, layer)
            if layer in config.attn_layer_idxs
            else HyenaBlock(config, layer, self.filter_cache)
            for layer in range(config.num_layers)
        )
        self.norm = RMSNorm(width, config.eps) if config.final_norm else None
        self.unembed = None if config.tie_embeddings else nn.Embedding(config.vocab_size, width)

    @property
    def backbone(self) -> Backbone:  # type: ignore[override]  # never set
        """The model itself."""
        return self

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Draw weights under which filters decay, fast to slowly."""
        super()._init_weights(module)
        if isinstance(module, HyenaFilter):
            module.short_filter_weight.normal_(std=module.short_filter_weight.shape[-1] ** -0.5)
        if isinstance(module, ShortFilter | MediumFilter):
            module.h.normal_(std=module.h.shape[-1] ** -0.5)
        if isinstance(module, MediumFilter | LongFilter):
            module.D.normal_()
        if isinstance(module, LongFilter):
            # Decay times are log-uniform from 1 to 1000 tokens.
            decay = -torch.exp(-torch.empty_like(module.log_poles).uniform_(0, math.log(1000)))
            module.log_poles.copy_(decay)
            energy = (1 - (2 * decay[..., 0]).exp()) / decay.shape[1]
            module.residues.normal_().mul_(energy.sqrt())
