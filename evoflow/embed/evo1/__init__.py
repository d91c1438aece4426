"""Evo-1 in plain PyTorch, as transformers classes."""

from transformers import AutoConfig, AutoModelForCausalLM

from evoflow.embed.evo1.configuration import EvoConfig
from evoflow.embed.evo1.modeling import EvoForCausalLM

AutoConfig.register(EvoConfig.model_type, EvoConfig, exist_ok=True)
AutoModelForCausalLM.register(EvoConfig, EvoForCausalLM, exist_ok=True)

__all__ = ["EvoConfig", "EvoForCausalLM"]
