"""Evo 2's published checkpoints: where they are, how they are configured, what they hold."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from evoflow.embed.evo2.sizes import Evo2Sizes, needs_fp8
from evoflow.errors import InputError


@dataclass(frozen=True)
class Published:
    """A published checkpoint.

    Attributes
    ----------
    repository
        On the Hugging Face hub.
    file
        Its pickle there; may be a pattern.
    config
        In what its configuration differs from `Evo2Sizes`'s defaults, as the YAML of that name in
        github.com/ArcInstitute/evo2 (`evo2/configs`) has it: the repository holds none.
    """

    repository: str
    file: str
    config: dict[str, Any]


def _interpolated(by: int, inner: int) -> dict[str, Any]:
    """Configure a model of long context, whose positions are divided."""
    return {
        "inner_mlp_size": inner,
        "use_interpolated_rotary_pos_emb": True,
        "rotary_emb_scaling_factor": by,
        "max_seqlen": 8192 * by,
    }


KNOWN = {
    "evo2-7b-base": Published("arcinstitute/evo2_7b_base", "evo2_7b_base.pt", {}),
    "evo2-7b-262k": Published(
        "arcinstitute/evo2_7b_262k", "evo2_7b_262k.pt", _interpolated(32, 11008)
    ),
    "evo2-7b": Published("arcinstitute/evo2_7b", "evo2_7b.pt", _interpolated(128, 11264)),
    "evo2-7b-microviridae": Published("evo-design/evo-2-7b-8k-microviridae", "*.pt", {}),
}
"""By the name that settings use."""

REFUSED = ("evo2-1b-base", "evo2-20b", "evo2-40b", "evo2-40b-base")
"""Models that need FP8."""


def known_name(name: str) -> str | None:
    """Recognise a known name, however it is written (`evo2_7b`, `arcinstitute/evo2_7b`).

    Raises
    ------
    InputError
        For the models that need FP8.
    """
    for known, published in KNOWN.items():
        if name == published.repository:
            return known
    owner, _, short = name.rpartition("/")
    if owner not in {"", "arcinstitute"}:
        return None
    short = short.replace("_", "-")
    if short in REFUSED:
        raise InputError(f"model.checkpoint: {needs_fp8(short)}")
    return short if short in KNOWN else None


def expected_shapes(config: Evo2Sizes) -> dict[str, tuple[int, ...]]:
    """List every tensor of a model by its published name, with its shape."""
    return dict(_shapes(config))


def _shapes(config: Evo2Sizes) -> Iterator[tuple[str, tuple[int, ...]]]:
    width, inner = config.hidden_size, config.inner_mlp_size
    yield "embedding_layer.weight", (config.vocab_size, width)
    if not config.tie_embeddings:
        yield "unembed.weight", (config.vocab_size, width)
    if config.final_norm:
        yield "norm.scale", (width,)
    for layer in range(config.num_layers):
        block = f"blocks.{layer}"
        yield f"{block}.pre_norm.scale", (width,)
        yield f"{block}.post_norm.scale", (width,)
        yield f"{block}.mlp.l1.weight", (inner, width)
        yield f"{block}.mlp.l2.weight", (inner, width)
        yield f"{block}.mlp.l3.weight", (width, inner)
        mixer = _attention(config) if layer in config.attn_layer_idxs else _hyena(config, layer)
        for name, shape in mixer:
            yield f"{block}.{name}", shape


def _attention(config: Evo2Sizes) -> Iterator[tuple[str, tuple[int, ...]]]:
    width = config.hidden_size
    yield "inner_mha_cls.Wqkv.weight", (3 * width, width)
    if config.qkv_proj_bias:
        yield "inner_mha_cls.Wqkv.bias", (3 * width,)
    yield "inner_mha_cls.out_proj.weight", (width, width)
    if config.mha_out_proj_bias:
        yield "inner_mha_cls.out_proj.bias", (width,)
    yield "inner_mha_cls.rotary_emb.inv_freq", (config.head_size // 2,)


def _hyena(config: Evo2Sizes, layer: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    width, states = config.hidden_size, config.state_size
    yield "projections.weight", (3 * width, width)
    yield "filter.short_filter_weight", (3 * width, 1, config.short_filter_length)
    yield "out_filter_dense.weight", (width, width)
    yield "out_filter_dense.bias", (width,)
    if layer in config.hcs_layer_idxs:
        yield "filter.h", (config.hcs_filter_groups, 1, config.hcs_filter_length)
        return
    yield "filter.D", (width,)
    if layer in config.hcm_layer_idxs:
        yield "filter.h", (config.hcm_filter_groups, 1, config.hcm_filter_length)
        return
    groups = int(config.hcl_filter_groups or width)
    yield "filter.log_poles", (groups, states, 1)
    yield "filter.residues", (groups, states)
