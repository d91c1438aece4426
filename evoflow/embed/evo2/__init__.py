"""Evo 2 in plain PyTorch, as transformers classes."""

from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoTokenizer

from evoflow.embed.evo2.configuration import Evo2Config
from evoflow.embed.evo2.modeling import Evo2ForCausalLM
from evoflow.embed.hyena.last_states import LastStates
from evoflow.embed.hyena.tokenizer import EvoTokenizer


class Evo2Model(LastStates, Evo2ForCausalLM):
    """Evo 2 whose result is its last states."""


AutoConfig.register(Evo2Config.model_type, Evo2Config, exist_ok=True)
AutoModel.register(Evo2Config, Evo2Model, exist_ok=True)
AutoModelForCausalLM.register(Evo2Config, Evo2ForCausalLM, exist_ok=True)
AutoTokenizer.register(Evo2Config, EvoTokenizer, exist_ok=True)

__all__ = ["Evo2Config", "Evo2ForCausalLM"]
