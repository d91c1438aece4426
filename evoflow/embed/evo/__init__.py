"""The public face of the models: `from evoflow.embed.evo import EvoForCausalLM, Evo2ForCausalLM`.

After `import evoflow.embed.evo`, `AutoConfig` and `AutoModelForCausalLM` read Evo's checkpoints
without remote code. `AutoModelForCausalLM` reads a repository's `main` unless told otherwise, so
pass `revision="1.1_fix"` for the `evo-1-*-base` models; `EvoForCausalLM.from_pretrained` and
`Embedder` choose the right revision themselves.
"""

from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoTokenizer

from evoflow.embed.evo.causal_lm import Evo2ForCausalLM, Evo2Model, EvoForCausalLM, EvoModel
from evoflow.embed.evo.configuration import Evo2Config, EvoConfig
from evoflow.embed.evo.tokenizer import EvoTokenizer
from evoflow.embed.evo2.checkpoint import find_checkpoint
from evoflow.embed.weights.architectures import model_of, read_config

__all__ = [
    "Evo2Config",
    "Evo2ForCausalLM",
    "EvoConfig",
    "EvoForCausalLM",
    "find_checkpoint",
    "model_of",
    "read_config",
]

AutoConfig.register(EvoConfig.model_type, EvoConfig, exist_ok=True)
AutoModel.register(EvoConfig, EvoModel, exist_ok=True)
AutoModelForCausalLM.register(EvoConfig, EvoForCausalLM, exist_ok=True)
AutoTokenizer.register(EvoConfig, EvoTokenizer, exist_ok=True)

AutoConfig.register(Evo2Config.model_type, Evo2Config, exist_ok=True)
AutoModel.register(Evo2Config, Evo2Model, exist_ok=True)
AutoModelForCausalLM.register(Evo2Config, Evo2ForCausalLM, exist_ok=True)
AutoTokenizer.register(Evo2Config, EvoTokenizer, exist_ok=True)
