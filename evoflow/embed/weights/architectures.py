"""The model of each kind of configuration."""

from evoflow.embed.evo1.modeling import Evo
from evoflow.embed.evo1.sizes import EvoSizes
from evoflow.embed.evo2.modeling import Evo2
from evoflow.embed.evo2.sizes import Evo2Sizes
from evoflow.embed.hyena.checkpoint import Checkpoint
from evoflow.embed.hyena.model import Hyena
from evoflow.embed.hyena.sizes import Sizes

MODELS: dict[type[Sizes], type[Hyena]] = {EvoSizes: Evo, Evo2Sizes: Evo2}


def read_config(checkpoint: Checkpoint) -> Sizes:
    """Read a checkpoint's `config.json`; its `model_type` says whose it is.

    Raises
    ------
    InputError
        If it is of no Evo model, or unsound.
    """
    return checkpoint.config(*MODELS)


def model_of(config: Sizes) -> type[Hyena]:
    """Choose the model that a configuration describes."""
    return next(model for kind, model in MODELS.items() if isinstance(config, kind))
