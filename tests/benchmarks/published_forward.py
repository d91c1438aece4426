"""A straight transcription of the published packages' forward passes, as the baseline.

Steps, types and order are theirs (`stripedhyena` 0.2.2 and `vtx` 1.1.0) but for flash-attn, whose
place PyTorch's own attention takes: filters anew at each call, FFTs of twice the length in
float32, convolutions over (batch, channels, length).
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from evoflow.embed.evo1 import modeling as evo1
from evoflow.embed.evo2 import modeling as evo2
from evoflow.embed.hyena.model import Hyena
from evoflow.embed.hyena.operations import PLAIN


def published_forward(model: Hyena, ids: Tensor) -> tuple[Tensor, Tensor]:
    """Return the last states and the logits."""
    backbone = model.backbone
    x = backbone.embedding_layer(ids)
    for block in backbone.blocks:
        u = _norm(x, block.pre_norm)
        if hasattr(block, "inner_mha_cls"):
            mixed = _attention(block.inner_mha_cls, u)
        elif isinstance(block, evo1.HyenaBlock):
            mixed = _hyena1(block, u)
        else:
            mixed = _hyena2(block, u)
        x = mixed + x
        u = _norm(x, block.post_norm)
        gate = block.mlp.l1(u)
        gate = F.gelu(gate) if block.mlp.activation == "gelu" else gate
        x = block.mlp.l3(gate * block.mlp.l2(u)) + x
    final = _norm(x, backbone.norm)
    return final, final @ backbone.embedding_layer.weight.T


def _norm(x: Tensor, norm) -> Tensor:
    root = x.norm(2, dim=-1, keepdim=True) * x.shape[-1] ** -0.5
    return norm.scale * (x / (root + norm.eps))


def _attention(attention, u: Tensor) -> Tensor:
    batch, length, width = u.shape
    heads = attention.num_heads
    if isinstance(attention, evo2.Attention):
        qkv = attention.Wqkv(u).view(batch, length, heads, 3, -1).transpose(2, 3)
    else:
        qkv = attention.Wqkv(u).view(batch, length, 3, heads, -1)
    q, k = attention.rotary_emb(qkv[:, :, :2].transpose(0, 1), PLAIN).permute(2, 1, 3, 0, 4)
    v = qkv[:, :, 2].transpose(1, 2)
    y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return attention.out_proj(y.transpose(1, 2).reshape(batch, length, width))


def _hyena1(block, u: Tensor) -> Tensor:
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


def _hyena2(block, u: Tensor) -> Tensor:
    length, width = u.shape[1:]
    hyena = block.filter
    z = _depthwise(block.projections(u).transpose(1, 2), hyena.short_filter_weight)
    x2, x1, v = z[:, 0::3], z[:, 1::3], z[:, 2::3]
    w = x1 * v
    if isinstance(hyena, evo2.ShortFilter):
        y = _depthwise(w, hyena.h.repeat_interleave(width // len(hyena.h), dim=0))
    elif isinstance(hyena, evo2.MediumFilter):
        h = hyena.h[:, 0].repeat_interleave(width // len(hyena.h), dim=0).float()
        y = (_fft_convolve(w.float(), h) + w.float() * hyena.D[:, None].float()).to(w.dtype)
    else:
        t = torch.arange(length, device=u.device)
        h = (hyena.residues[..., None] * (hyena.log_poles * t).exp()).sum(1)
        y = _fft_convolve(w.float(), h).to(w.dtype) + w * hyena.D[:, None]
    return block.out_filter_dense((x2 * y).transpose(1, 2))


def _depthwise(x: Tensor, weight: Tensor) -> Tensor:
    taps = weight.shape[-1]
    y = F.conv1d(x.float(), weight.float(), padding=taps - 1, groups=len(weight))
    return y[..., : x.shape[-1]].to(x.dtype)


def _fft_convolve(w: Tensor, h: Tensor) -> Tensor:
    length = w.shape[-1]
    spectrum = torch.fft.rfft(h[:, :length], n=2 * length) / (2 * length)
    signal = torch.fft.fft(w, n=2 * length)[..., : length + 1]
    return torch.fft.irfft(signal * spectrum, n=2 * length, norm="forward")[..., :length]
