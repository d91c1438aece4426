"""Evo-1's configuration, with the keys of the published `config.json`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from evoflow.embed.hyena.sizes import Size, Sizes


@dataclass(kw_only=True, repr=False)
class EvoSizes(Sizes):
    """Sizes and switches of StripedHyena as Evo-1 uses it; the defaults are evo-1-8k-base."""

    model_type = "stripedhyena"
    title = "Evo-1"
    required: ClassVar[dict[str, object]] = {
        "mlp_activation": "gelu",
        "column_split": False,
        "column_split_hyena": True,
        "hyena_filter_groups": 1,
        "proj_groups": 1,
        "smeared_gqa": False,
    }

    attn_layer_idxs: list[int] | tuple[int, ...] = (8, 16, 24)
    hyena_layer_idxs: list[int] | None = None
    inner_mlp_size: Size | Literal[0] = 0
    state_size: Size = 8
    short_filter_bias: bool = True
    qkv_proj_bias: bool = True
    column_split: bool = False
    column_split_hyena: bool = True
    smeared_gqa: bool = False

    def complete(self) -> None:
        """Set what follows from other sizes."""
        super().complete()
        if not self.inner_mlp_size:
            self.inner_mlp_size = -(-(2 * self.hidden_size * 4 // 3) // 16) * 16
        if self.hyena_layer_idxs is None:
            attention = set(self.attn_layer_idxs)
            self.hyena_layer_idxs = [k for k in range(self.num_layers) if k not in attention]

    def problems(self) -> Iterator[str]:
        """Say what does not fit."""
        yield from super().problems()
        layers = sorted([*self.attn_layer_idxs, *(self.hyena_layer_idxs or [])])
        if layers != list(range(self.num_layers)):
            yield (
                f"attn_layer_idxs {self.attn_layer_idxs} and hyena_layer_idxs "
                f"{self.hyena_layer_idxs} must name each of the {self.num_layers} layers once"
            )
