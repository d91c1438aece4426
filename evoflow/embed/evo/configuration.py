"""The configurations as transformers has them."""

from typing import Any

from transformers import PreTrainedConfig

from evoflow.embed.evo1.sizes import EvoSizes
from evoflow.embed.evo2.sizes import Evo2Sizes


class EvoConfig(PreTrainedConfig, EvoSizes):
    """The configuration of Evo-1; see `EvoSizes` for the keys and their defaults."""

    model_type = EvoSizes.model_type
    attribute_map = EvoSizes.attribute_map

    def __post_init__(self, **others: Any) -> None:
        super().__post_init__(**others)
        self.complete()
        self.check()


class Evo2Config(PreTrainedConfig, Evo2Sizes):
    """The configuration of Evo 2; see `Evo2Sizes` for the keys and their defaults."""

    model_type = Evo2Sizes.model_type
    attribute_map = Evo2Sizes.attribute_map

    def __post_init__(self, **others: Any) -> None:
        super().__post_init__(**others)
        self.complete()
        self.check()


AnyConfig = EvoConfig | Evo2Config
