"""The public face of the models: `from evoflow.embed.evo import EvoForCausalLM, EvoConfig`."""

from evoflow.embed.evo1 import EvoConfig, EvoForCausalLM

__all__ = ["EvoConfig", "EvoForCausalLM"]
