"""Names of a model's layers, as this package and as the field write them.

An integer k is the residual stream after k blocks (0: the embedding), `final` what the last norm
makes of it, `logits` the unembedding. The other names are those of the published packages'
modules, each meaning what that module returns:

====================  ====================================================================
`embedding_layer`     the same as 0
`blocks.k`            the residual stream after block k, so the same as k + 1
`blocks.k.mlp.l3`     the MLP branch of block k, before it is added to the residual stream
`norm`                the same as `final`
`unembed`             the same as `logits`
====================  ====================================================================
"""

import re
from dataclasses import dataclass
from numbers import Integral
from typing import Literal

from evoflow.errors import InputError

Layer = int | str
"""A layer as a user names it."""

NAMES = (
    "a number of blocks, final, logits, blocks.K, blocks.K.mlp.l3, embedding_layer, norm or unembed"
)

_ENDS: dict[str, Literal["final", "logits"]] = {
    "final": "final",
    "norm": "final",
    "logits": "logits",
    "unembed": "logits",
}
_BLOCK = re.compile(r"blocks\.(0|[1-9]\d*)(\.mlp\.l3)?")


@dataclass(frozen=True)
class LayerOutput:
    """What a layer's name asks of a model.

    Attributes
    ----------
    kind
        The residual stream, the MLP branch of the last block that runs, the output of the last
        norm, or the logits.
    num_blocks
        Blocks that must run; None means all that the model has.
    """

    kind: Literal["residual", "mlp", "final", "logits"]
    num_blocks: int | None


def parse_layer(layer: Layer) -> LayerOutput:
    """Understand a layer's name, whatever the model.

    Raises
    ------
    InputError
        If it is none of the known names.

    Examples
    --------
    >>> parse_layer("blocks.26")
    LayerOutput(kind='residual', num_blocks=27)
    >>> parse_layer("blocks.26.mlp.l3")
    LayerOutput(kind='mlp', num_blocks=27)
    >>> parse_layer("norm")
    LayerOutput(kind='final', num_blocks=None)
    """
    if isinstance(layer, Integral) and not isinstance(layer, bool) and layer >= 0:
        return LayerOutput("residual", int(layer))
    if isinstance(layer, str):
        if layer in _ENDS:
            return LayerOutput(_ENDS[layer], None)
        if layer == "embedding_layer":
            return LayerOutput("residual", 0)
        if block := _BLOCK.fullmatch(layer):
            return LayerOutput("mlp" if block[2] else "residual", int(block[1]) + 1)
    raise InputError(f"{layer!r} is not a layer name; set {NAMES}")


def resolve_layer(layer: Layer, num_layers: int) -> LayerOutput:
    """Understand a layer's name for a model of so many blocks.

    Raises
    ------
    InputError
        If the name is not known, or the model has too few blocks.
    """
    output = parse_layer(layer)
    if output.num_blocks is not None and output.num_blocks > num_layers:
        raise InputError(
            f"layer {layer!r} needs {output.num_blocks} blocks but the model has {num_layers}; "
            f"set 0 to {num_layers}, blocks.0 to blocks.{num_layers - 1} (or their .mlp.l3), "
            "final or logits"
        )
    return output


def has_likelihood(layer: Layer, num_layers: int) -> bool:
    """Whether a pass for this layer runs all blocks, and so gives the likelihood of the bases."""
    return resolve_layer(layer, num_layers).num_blocks in {None, num_layers}
