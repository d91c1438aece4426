"""Evo-1 in plain PyTorch, as transformers classes.

After `import evoflow.embed.evo1`, `AutoConfig` and `AutoModelForCausalLM` read Evo's published
checkpoints without remote code. `AutoModelForCausalLM` reads a repository's `main` unless told
otherwise, so pass `revision="1.1_fix"` for the `evo-1-*-base` models;
`EvoForCausalLM.from_pretrained` and `Embedder` choose the right revision themselves.
"""

from transformers import AutoConfig, AutoModelForCausalLM

from evoflow.embed.evo1.causal_lm import EvoForCausalLM
from evoflow.embed.evo1.configuration import EvoConfig

AutoConfig.register(EvoConfig.model_type, EvoConfig, exist_ok=True)
AutoModelForCausalLM.register(EvoConfig, EvoForCausalLM, exist_ok=True)

__all__ = ["EvoConfig", "EvoForCausalLM"]
