"""The public face of the models: `from evoflow.embed.evo import EvoForCausalLM, Evo2ForCausalLM`.

After `import evoflow.embed.evo`, `AutoConfig` and `AutoModelForCausalLM` read Evo's checkpoints
without remote code. `AutoModelForCausalLM` reads a repository's `main` unless told otherwise, so
pass `revision="1.1_fix"` for the `evo-1-*-base` models; `EvoForCausalLM.from_pretrained` and
`Embedder` choose the right revision themselves.
"""

from evoflow.embed.evo1 import EvoConfig, EvoForCausalLM
from evoflow.embed.evo2 import Evo2Config, Evo2ForCausalLM
from evoflow.embed.evo2.checkpoint import find_checkpoint
from evoflow.embed.hyena.causal_lm import HyenaForCausalLM
from evoflow.embed.hyena.checkpoint import Checkpoint

__all__ = [
    "Evo2Config",
    "Evo2ForCausalLM",
    "EvoConfig",
    "EvoForCausalLM",
    "find_checkpoint",
    "model_of",
    "read_config",
]

AnyConfig = EvoConfig | Evo2Config

MODELS: dict[type[AnyConfig], type[HyenaForCausalLM]] = {
    EvoConfig: EvoForCausalLM,
    Evo2Config: Evo2ForCausalLM,
}
"""The model of each kind of configuration."""


def read_config(checkpoint: Checkpoint) -> AnyConfig:
    """Read a checkpoint's `config.json`; its `model_type` says whose it is.

    Raises
    ------
    InputError
        If it is of no Evo model, or unsound.
    """
    return checkpoint.config(*MODELS)


def model_of(config: AnyConfig) -> type[HyenaForCausalLM]:
    """Choose the model that a configuration describes."""
    return MODELS[type(config)]
