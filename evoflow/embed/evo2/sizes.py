"""Evo 2's configuration, with the keys of the published YAML files."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from evoflow.embed.hyena.sizes import Size, Sizes


@dataclass(kw_only=True, repr=False)
class Evo2Sizes(Sizes):
    """Sizes and switches of StripedHyena 2 as Evo 2 uses it; the defaults are evo2-7b-base.

    `use_fp8_input_projections` is a key without effect: it stands in every published YAML, and
    the models of 7 billion parameters do as well without. Models that need FP8 are refused.
    """

    model_type = "stripedhyena2"
    title = "Evo 2"
    required: ClassVar[dict[str, object]] = {
        "mlp_activation": "gelu",
        "evo2_style_activations": True,
        "interleave": True,
        "hyena_flip_x1x2": False,
        "column_split": True,
        "column_split_hyena": False,
        "hyena_filter_groups": 1,
        "proj_groups": 1,
        "hyena_out_proj_bias": True,
        "short_filter_bias": False,
        "use_laughing_hyena": False,
    }

    attn_layer_idxs: list[int] | tuple[int, ...] = (3, 10, 17, 24, 31)
    hcl_layer_idxs: list[int] | tuple[int, ...] = (2, 6, 9, 13, 16, 20, 23, 27, 30)
    hcm_layer_idxs: list[int] | tuple[int, ...] = (1, 5, 8, 12, 15, 19, 22, 26, 29)
    hcs_layer_idxs: list[int] | tuple[int, ...] = (0, 4, 7, 11, 14, 18, 21, 25, 28)
    hcl_filter_groups: Size | None = None
    hcm_filter_groups: Size = 256
    hcs_filter_groups: Size = 256
    hcm_filter_length: Size = 128
    hcs_filter_length: Size = 7
    inner_mlp_size: Size = 11008
    state_size: Size = 16
    short_filter_bias: bool = False
    qkv_proj_bias: bool = False
    hyena_out_proj_bias: bool = True
    evo2_style_activations: bool = True
    interleave: bool = True
    hyena_flip_x1x2: bool = False
    column_split: bool = True
    column_split_hyena: bool = False
    use_laughing_hyena: bool = False

    def complete(self) -> None:
        """Set what follows from other sizes."""
        super().complete()
        for name in ("hcl", "hcm", "hcs"):
            setattr(self, f"{name}_layer_idxs", list(getattr(self, f"{name}_layer_idxs")))
        if self.hcl_filter_groups is None:
            self.hcl_filter_groups = self.hidden_size

    def problems(self) -> Iterator[str]:
        """Say what does not fit."""
        if (self.hidden_size, self.num_layers) in NEED_FP8:
            yield needs_fp8(NEED_FP8[self.hidden_size, self.num_layers])
            return
        yield from super().problems()
        if self.hcm_filter_length < 128:
            yield (
                f"hcm_filter_length is {self.hcm_filter_length}; the published package leaves out "
                "D below 128 and no published model does that, so it is not supported"
            )
        kinds = [self.attn_layer_idxs, self.hcl_layer_idxs, self.hcm_layer_idxs]
        layers = [layer for kind in [*kinds, self.hcs_layer_idxs] for layer in kind]
        if sorted(layers) != list(range(self.num_layers)):
            yield (
                "attn_, hcl_, hcm_ and hcs_layer_idxs must name each of the "
                f"{self.num_layers} layers once; they are {sorted(layers)}"
            )
        for key in ("hcl_filter_groups", "hcm_filter_groups", "hcs_filter_groups"):
            if self.hidden_size % getattr(self, key):
                yield f"{key} {getattr(self, key)} must divide hidden_size {self.hidden_size}"


NEED_FP8 = {
    (1920, 25): "evo2-1b-base",
    (8192, 32): "evo2-20b",
    (8192, 50): "evo2-40b",
}
"""Hidden size and layers of the models that give wrong results without FP8."""


def needs_fp8(name: str) -> str:
    """Say why a model is refused, and what to take instead."""
    return (
        f"{name} was trained with projections in FP8 (E4M3) and without them gets 20-40% of the "
        "bases right instead of 80-92%; evoflow computes without FP8, so take evo2-7b-base or "
        "evo2-7b, which do as well without"
    )
