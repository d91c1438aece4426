"""Evo-1's configuration, with the keys of the published `config.json`."""

from typing import Any, ClassVar

from transformers import PreTrainedConfig

from evoflow.errors import InputError


class EvoConfig(PreTrainedConfig):
    """Sizes and switches of StripedHyena as Evo-1 uses it; the defaults are evo-1-8k-base.

    Keys that do not change the forward pass (`num_filters`, `prefill_style`, ...) are kept and
    written back, but have no effect here.

    Raises
    ------
    InputError
        For sizes that do not fit each other, and for switches of other StripedHyena models that
        would silently change the results if ignored.
    """

    model_type = "stripedhyena"
    attribute_map: ClassVar[dict[str, str]] = {
        "num_hidden_layers": "num_layers",
        "max_position_embeddings": "max_seqlen",
        "tie_word_embeddings": "tie_embeddings",
    }

    vocab_size: int = 512
    hidden_size: int = 4096
    num_layers: int = 32
    attn_layer_idxs: list[int] | tuple[int, ...] = (8, 16, 24)
    hyena_layer_idxs: list[int] | None = None
    num_attention_heads: int = 32
    inner_mlp_size: int = 0
    state_size: int = 8
    short_filter_length: int = 3
    short_filter_bias: bool = True
    qkv_proj_bias: bool = True
    mha_out_proj_bias: bool = True
    rotary_emb_base: float = 10000.0
    use_interpolated_rotary_pos_emb: bool = False
    rotary_emb_scaling_factor: float = 1.0
    max_seqlen: int = 8192
    eps: float = 1e-6
    final_norm: bool = True
    tie_embeddings: bool = True
    mlp_activation: str = "gelu"
    column_split: bool = False
    column_split_hyena: bool = True
    hyena_filter_groups: int = 1
    proj_groups: int = 1
    smeared_gqa: bool = False
    eos_token_id: int | None = 0
    pad_token_id: int | None = 1

    def __post_init__(self, **kwargs: Any) -> None:
        self.attn_layer_idxs = list(self.attn_layer_idxs)
        if not self.inner_mlp_size:
            self.inner_mlp_size = -(-(2 * self.hidden_size * 4 // 3) // 16) * 16
        if self.hyena_layer_idxs is None:
            attention = set(self.attn_layer_idxs)
            self.hyena_layer_idxs = [k for k in range(self.num_layers) if k not in attention]
        super().__post_init__(**kwargs)
        problems = self._problems()
        if problems:
            raise InputError(f"Evo's config.json: {problem}" for problem in problems)

    @property
    def head_size(self) -> int:
        """Channels of one attention head; the hyena channels are grouped alike."""
        return self.hidden_size // self.num_attention_heads

    @property
    def rotary_scale(self) -> float:
        """What positions are divided by before they rotate queries and keys."""
        return self.rotary_emb_scaling_factor if self.use_interpolated_rotary_pos_emb else 1.0

    def _problems(self) -> list[str]:
        required = {
            "mlp_activation": "gelu",
            "column_split": False,
            "column_split_hyena": True,
            "hyena_filter_groups": 1,
            "proj_groups": 1,
            "smeared_gqa": False,
        }
        problems = [
            f"{key} is {getattr(self, key)!r}; Evo-1 has {value!r} and nothing else is supported"
            for key, value in required.items()
            if getattr(self, key) != value
        ]
        layers = sorted([*self.attn_layer_idxs, *(self.hyena_layer_idxs or [])])
        if layers != list(range(self.num_layers)):
            problems.append(
                f"attn_layer_idxs {self.attn_layer_idxs} and hyena_layer_idxs "
                f"{self.hyena_layer_idxs} must name each of the {self.num_layers} layers once"
            )
        if self.hidden_size % self.num_attention_heads or self.head_size % 2:
            problems.append(
                f"hidden_size {self.hidden_size} must be {self.num_attention_heads} heads "
                "(num_attention_heads) of an even size"
            )
        return problems
