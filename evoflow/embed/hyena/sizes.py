"""What the configurations of all StripedHyena models have in common."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, TypeAdapter, ValidationError

from evoflow.errors import InputError
from evoflow.settings.types import PositiveNumber, PositiveWhole

Size = Annotated[PositiveWhole, Field(le=2**24)]
"""The bytes of a tensor with several such dimensions can still be counted."""


@dataclass(kw_only=True, repr=False)
class Sizes:
    """Sizes and switches of a model, with the keys of its `config.json`.

    Keys that do not change the forward pass (`prefill_style`, ...) are kept and written back, but
    have no effect here.

    Raises
    ------
    InputError
        For values of another type, for sizes that do not fit each other, and for switches of other
        StripedHyena models that would silently change the results if ignored.
    """

    model_type: ClassVar[str]
    attribute_map: ClassVar[dict[str, str]] = {
        "num_hidden_layers": "num_layers",
        "max_position_embeddings": "max_seqlen",
        "tie_word_embeddings": "tie_embeddings",
    }
    """Keys as transformers calls them, and as they are called here."""

    title: ClassVar[str]
    """What messages call the model."""

    required: ClassVar[dict[str, object]]
    """Switches that change what is computed, as all published models have them."""

    vocab_size: Size = 512
    hidden_size: Size = 4096
    num_layers: Size = 32
    attn_layer_idxs: list[int] | tuple[int, ...]
    num_attention_heads: Size = 32
    inner_mlp_size: Size
    state_size: Size
    short_filter_length: Size = 3
    mha_out_proj_bias: bool = True
    rotary_emb_base: PositiveNumber = 10000.0
    use_interpolated_rotary_pos_emb: bool = False
    rotary_emb_scaling_factor: PositiveNumber = 1.0
    max_seqlen: PositiveWhole = 8192
    eps: PositiveNumber = 1e-6
    final_norm: bool = True
    tie_embeddings: bool = True
    mlp_activation: str = "gelu"
    hyena_filter_groups: int = 1
    proj_groups: int = 1
    eos_token_id: int | list[int] | None = 0
    pad_token_id: int | None = 1

    def __post_init__(self) -> None:
        self.complete()
        self.check()

    @classmethod
    def from_dict(cls, raw: dict[str, Any], /) -> Self:
        """Read the keys of a `config.json`."""
        named = {cls.attribute_map.get(key, key): value for key, value in raw.items()}
        known = {field.name for field in fields(cls)}
        made = cls(**{key: value for key, value in named.items() if key in known})
        vars(made).update({key: value for key, value in named.items() if key not in known})
        return made

    def to_dict(self) -> dict[str, Any]:
        """Return what `from_dict` reads, keys without effect included."""
        return {**vars(self), "model_type": self.model_type}

    def to_json_string(self) -> str:
        """Write a `config.json`."""
        return json.dumps(self.to_dict(), indent=2, sort_keys=True) + "\n"

    def complete(self) -> None:
        """Refuse values of another type, then set what follows from other sizes."""
        self._refuse(self._wrong_types())
        self.attn_layer_idxs = list(self.attn_layer_idxs)

    def check(self) -> None:
        """Refuse what does not fit, or would be computed wrongly."""
        self._refuse(self.problems())

    def _refuse(self, problems: Iterable[str]) -> None:
        found = [f"{self.title}'s config.json: {problem}" for problem in problems]
        if found:
            raise InputError(found)

    def _wrong_types(self) -> Iterator[str]:
        for field in fields(self):
            if isinstance(field.type, str):  # one of transformers' own
                continue
            try:
                TypeAdapter(field.type).validate_python(getattr(self, field.name), strict=True)
            except ValidationError as error:
                detail = error.errors()[0]
                message = detail["msg"].removeprefix("Value error, ")
                yield f"{field.name}: {message} (it is {detail['input']!r})"

    @property
    def head_size(self) -> int:
        """Channels of one attention head; Evo-1's hyena channels are grouped alike."""
        return self.hidden_size // self.num_attention_heads

    @property
    def rotary_scale(self) -> float:
        """What positions are divided by before they rotate queries and keys."""
        return self.rotary_emb_scaling_factor if self.use_interpolated_rotary_pos_emb else 1.0

    def problems(self) -> Iterator[str]:
        """Say what does not fit."""
        for key, value in self.required.items():
            if getattr(self, key) != value:
                yield (
                    f"{key} is {getattr(self, key)!r}; {self.title} has {value!r} and nothing else "
                    "is supported"
                )
        if self.hidden_size % self.num_attention_heads or self.head_size % 2:
            yield (
                f"hidden_size {self.hidden_size} must be {self.num_attention_heads} heads "
                "(num_attention_heads) of an even size"
            )
