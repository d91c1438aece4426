"""Evo 2's published checkpoints: where they are, and how they are configured."""

from dataclasses import dataclass
from typing import Any

from evoflow.embed.evo2.sizes import needs_fp8
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
