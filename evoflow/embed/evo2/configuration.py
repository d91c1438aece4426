"""Evo 2's configuration, with the keys of the published YAML files."""

from typing import Any, ClassVar

from transformers import PreTrainedConfig

from evoflow.errors import InputError

REQUIRED = {
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
"""Switches of the published package that change what is computed, as all Evo 2 models have them."""


class Evo2Config(PreTrainedConfig):
    """Sizes and switches of StripedHyena 2 as Evo 2 uses it; the defaults are evo2-7b-base.

    Keys that do not change the forward pass (`use_flash_attn`, `prefill_style`, ...) are kept and
    written back, but have no effect here. `use_fp8_input_projections` is one of them: it stands
    in every published YAML, and the models of 7 billion parameters do as well without.

    Raises
    ------
    InputError
        For sizes that do not fit each other, for models that need FP8, and for switches that
        would silently change the results if ignored.
    """

    model_type = "stripedhyena2"
    attribute_map: ClassVar[dict[str, str]] = {
        "num_hidden_layers": "num_layers",
        "max_position_embeddings": "max_seqlen",
        "tie_word_embeddings": "tie_embeddings",
    }

    vocab_size: int = 512
    hidden_size: int = 4096
    num_layers: int = 32
    attn_layer_idxs: list[int] | tuple[int, ...] = (3, 10, 17, 24, 31)
    hcl_layer_idxs: list[int] | tuple[int, ...] = (2, 6, 9, 13, 16, 20, 23, 27, 30)
    hcm_layer_idxs: list[int] | tuple[int, ...] = (1, 5, 8, 12, 15, 19, 22, 26, 29)
    hcs_layer_idxs: list[int] | tuple[int, ...] = (0, 4, 7, 11, 14, 18, 21, 25, 28)
    hcl_filter_groups: int | None = None
    hcm_filter_groups: int = 256
    hcs_filter_groups: int = 256
    hcm_filter_length: int = 128
    hcs_filter_length: int = 7
    num_attention_heads: int = 32
    inner_mlp_size: int = 11008
    state_size: int = 16
    short_filter_length: int = 3
    short_filter_bias: bool = False
    qkv_proj_bias: bool = False
    mha_out_proj_bias: bool = True
    hyena_out_proj_bias: bool = True
    rotary_emb_base: float = 10000.0
    use_interpolated_rotary_pos_emb: bool = False
    rotary_emb_scaling_factor: float = 1.0
    max_seqlen: int = 8192
    eps: float = 1e-6
    final_norm: bool = True
    tie_embeddings: bool = True
    mlp_activation: str = "gelu"
    evo2_style_activations: bool = True
    interleave: bool = True
    hyena_flip_x1x2: bool = False
    column_split: bool = True
    column_split_hyena: bool = False
    hyena_filter_groups: int = 1
    proj_groups: int = 1
    use_laughing_hyena: bool = False
    eos_token_id: int | None = 0
    pad_token_id: int | None = 1

    def __post_init__(self, **kwargs: Any) -> None:
        for name in ("attn", "hcl", "hcm", "hcs"):
            setattr(self, f"{name}_layer_idxs", list(getattr(self, f"{name}_layer_idxs")))
        if self.hcl_filter_groups is None:
            self.hcl_filter_groups = self.hidden_size
        super().__post_init__(**kwargs)
        problems = self._problems()
        if problems:
            raise InputError(f"Evo 2's config.json: {problem}" for problem in problems)

    @property
    def head_size(self) -> int:
        """Channels of one attention head."""
        return self.hidden_size // self.num_attention_heads

    @property
    def rotary_scale(self) -> float:
        """What positions are divided by before they rotate queries and keys."""
        return self.rotary_emb_scaling_factor if self.use_interpolated_rotary_pos_emb else 1.0

    def _problems(self) -> list[str]:
        if (self.hidden_size, self.num_layers) in NEED_FP8:
            return [needs_fp8(NEED_FP8[self.hidden_size, self.num_layers])]
        problems = [
            f"{key} is {getattr(self, key)!r}; Evo 2 has {value!r} and nothing else is supported"
            for key, value in REQUIRED.items()
            if getattr(self, key) != value
        ]
        if self.hcm_filter_length < 128:
            problems.append(
                f"hcm_filter_length is {self.hcm_filter_length}; the published package leaves out "
                "D below 128 and no published model does that, so it is not supported"
            )
        kinds = [self.attn_layer_idxs, self.hcl_layer_idxs, self.hcm_layer_idxs]
        layers = [layer for kind in [*kinds, self.hcs_layer_idxs] for layer in kind]
        if sorted(layers) != list(range(self.num_layers)):
            problems.append(
                "attn_, hcl_, hcm_ and hcs_layer_idxs must name each of the "
                f"{self.num_layers} layers once; they are {sorted(layers)}"
            )
        if self.hidden_size % self.num_attention_heads or self.head_size % 2:
            problems.append(
                f"hidden_size {self.hidden_size} must be {self.num_attention_heads} heads "
                "(num_attention_heads) of an even size"
            )
        problems += [
            f"{key} {getattr(self, key)} must divide hidden_size {self.hidden_size}"
            for key in ("hcl_filter_groups", "hcm_filter_groups", "hcs_filter_groups")
            if self.hidden_size % getattr(self, key)
        ]
        return problems


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
