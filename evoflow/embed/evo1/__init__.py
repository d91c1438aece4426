"""Evo-1 in plain PyTorch, as transformers classes."""

from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoTokenizer

from evoflow.embed.evo1.configuration import EvoConfig
from evoflow.embed.evo1.modeling import EvoForCausalLM
from evoflow.embed.hyena.last_states import LastStates
from evoflow.embed.hyena.tokenizer import EvoTokenizer


class EvoModel(LastStates, EvoForCausalLM):
    """Evo-1 whose result is its last states."""


AutoConfig.register(EvoConfig.model_type, EvoConfig, exist_ok=True)
AutoModel.register(EvoConfig, EvoModel, exist_ok=True)
AutoModelForCausalLM.register(EvoConfig, EvoForCausalLM, exist_ok=True)
AutoTokenizer.register(EvoConfig, EvoTokenizer, exist_ok=True)

__all__ = ["EvoConfig", "EvoForCausalLM"]
