"""Evo 2 in plain PyTorch, as transformers classes."""

from transformers import AutoConfig, AutoModelForCausalLM

from evoflow.embed.evo2.configuration import Evo2Config
from evoflow.embed.evo2.modeling import Evo2ForCausalLM

AutoConfig.register(Evo2Config.model_type, Evo2Config, exist_ok=True)
AutoModelForCausalLM.register(Evo2Config, Evo2ForCausalLM, exist_ok=True)

__all__ = ["Evo2Config", "Evo2ForCausalLM"]
