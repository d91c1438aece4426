"""`EvoForCausalLM`: Evo-1 as a transformers model."""

import math
from os import PathLike
from typing import Any, Self

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

from evoflow.embed.evo1.checkpoint import Checkpoint
from evoflow.embed.evo1.configuration import EvoConfig
from evoflow.embed.evo1.hub import find_checkpoint
from evoflow.embed.evo1.modeling import HyenaFilter, StripedHyena
from evoflow.errors import InputError

HUB_OPTIONS = {"cache_dir", "token", "local_files_only", "force_download"}

WITHOUT_EFFECT = {
    "_commit_hash",
    "_from_auto",
    "adapter_kwargs",
    "attn_implementation",
    "code_revision",
    "low_cpu_mem_usage",
    "subfolder",
    "trust_remote_code",
    "weights_only",
}


class EvoForCausalLM(PreTrainedModel):
    """Evo-1, a model of DNA that predicts each next base from all before it.

    Reads and writes the published checkpoints. Poles and residues of the filters stay float32 in
    whatever type the model is.
    """

    config_class = EvoConfig
    base_model_prefix = "backbone"
    main_input_name = "input_ids"
    _supports_sdpa = True

    def __init__(self, config: EvoConfig) -> None:
        super().__init__(config)
        self.backbone = StripedHyena(config)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        output_hidden_states: bool | None = None,  # transformers' interface
        return_dict: bool | None = None,
    ) -> CausalLMOutput | tuple[Any, ...]:
        """Predict every next token.

        Parameters
        ----------
        input_ids
            Token ids (`ord` of upper-case letters), shape=(batch, length), padded on the right.
        attention_mask
            1 for tokens, 0 for padding. It changes nothing, since tokens see only what is left of
            them; it is checked, because left padding would give wrong results.
        output_hidden_states
            Whether to return `hidden_states`: `num_layers + 1` tensors of shape=(batch, length,
            hidden), of which the k-th is the residual stream after k blocks.
        return_dict
            Whether to return an object rather than a tuple.

        Returns
        -------
        CausalLMOutput
            `logits`, shape=(batch, length, vocab_size), and `hidden_states` if asked for.

        Raises
        ------
        InputError
            If a mask is not right-padded.
        """
        if attention_mask is not None and bool(
            (attention_mask[:, 1:] > attention_mask[:, :-1]).any()
        ):
            raise InputError("attention_mask pads on the left; Evo needs padding on the right")
        hidden_states = (
            self.config.output_hidden_states
            if output_hidden_states is None
            else output_hidden_states
        )
        kept: list[Tensor] = []
        for x in self.backbone(input_ids):
            if hidden_states:
                kept.append(x)
        logits = self.backbone.logits(self.backbone.finish(x))
        output = CausalLMOutput(logits=logits, hidden_states=tuple(kept) if hidden_states else None)
        return output if return_dict is not False else output.to_tuple()

    @classmethod
    def from_pretrained(  # type: ignore[override]  # fewer options, and refused by name
        cls,
        pretrained_model_name_or_path: str | PathLike[str],
        config: EvoConfig | None = None,
        *,
        dtype: torch.dtype | str | None = None,
        revision: str | None = None,
        **options: Any,
    ) -> Self:
        """Load a checkpoint in the published layout.

        Parameters
        ----------
        pretrained_model_name_or_path
            A folder, a known name such as `evo-1-8k-base`, or a repository of the hub.
        config
            Used instead of the checkpoint's.
        dtype
            Type of the weights, but for poles and residues; default: as stored.
        revision
            Branch, tag or commit; default: the one that fits a known name.
        options
            `device_map`, one device for all weights; `cache_dir`, `token`, `local_files_only` and
            `force_download` of the hub; keys of the configuration. Those that transformers passes
            on without effect here, `trust_remote_code` among them, are accepted.

        Raises
        ------
        InputError
            If the checkpoint is not found, unsafe, unsound or not Evo-1.
        """
        if options.pop("use_safetensors", True) is False:
            raise InputError("use_safetensors=False asks for pickles, which are never loaded")
        dtype = _dtype(options.pop("torch_dtype", None) if dtype is None else dtype)
        device = _device(options.pop("device_map", None))
        hub = {key: options.pop(key) for key in HUB_OPTIONS & set(options)}
        checkpoint = find_checkpoint(str(pretrained_model_name_or_path), revision, **hub)
        config = checkpoint.config() if config is None else config
        for key in set(options) - WITHOUT_EFFECT:
            if not hasattr(config, key):
                raise InputError(
                    f"from_pretrained: {key}={options[key]!r} is not supported for Evo"
                )
            setattr(config, key, options[key])
        return cls.load(checkpoint, config, dtype=dtype, device=device)

    @classmethod
    def load(
        cls,
        checkpoint: Checkpoint,
        config: EvoConfig,
        *,
        dtype: torch.dtype | None,
        device: torch.device,
    ) -> Self:
        """Make the model without memory, then put the weights onto it file by file."""
        with torch.device("meta"):
            model = cls(config)
        checkpoint.load_into(model, dtype, device)
        model.config.name_or_path = str(checkpoint.folder)
        model.config.dtype = model.dtype
        model.eval()
        return model

    def get_input_embeddings(self) -> nn.Module:
        """Return the token embedding."""
        return self.backbone.embedding_layer

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Draw weights under which every block adds a little, and filters decay, fast to slowly.

        As in GPT-2 the linear weights are small beside the embedding: else a few random blocks
        drown the bases that they are given.
        """
        if isinstance(module, nn.Linear):
            module.weight.normal_(std=0.02)
            if module.bias is not None:
                module.bias.zero_()
        elif isinstance(module, nn.Embedding):
            module.weight.normal_(std=module.embedding_dim**-0.5)
        elif isinstance(module, HyenaFilter):
            module.short_filter_weight.normal_(std=module.short_filter_weight.shape[-1] ** -0.5)
            if module.short_filter_bias is not None:
                module.short_filter_bias.zero_()
            module.D.normal_()
            # Poles inside the unit circle: decay times are log-uniform from 1 to 1000 tokens.
            decay = -torch.exp(-torch.empty_like(module.poles[..., 0]).uniform_(0, math.log(1000)))
            angle = torch.empty_like(decay).uniform_(-math.pi, math.pi)
            module.poles.copy_(torch.view_as_real(torch.polar(decay.exp(), angle)))
            energy = (1 - (2 * decay).exp())[..., None] / (2 * decay.shape[1])
            module.residues.normal_().mul_(energy.sqrt())


def _dtype(dtype: torch.dtype | str | None) -> torch.dtype | None:
    """Resolve what transformers takes as a dtype; None is as stored."""
    named = getattr(torch, dtype, dtype) if isinstance(dtype, str) else dtype
    if named in (None, "auto"):
        return None
    if not isinstance(named, torch.dtype) or not named.is_floating_point:
        raise InputError(f"dtype: {dtype!r} is no floating-point type; set float32 or bfloat16")
    return named


def _device(device_map: object) -> torch.device:
    """Resolve a device map of one device."""
    if isinstance(device_map, dict) and len(set(device_map.values())) == 1:
        device_map = next(iter(device_map.values()))
    if device_map is None:
        return torch.device("cpu")
    if device_map == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        device: torch.device = torch.device(device_map)  # type: ignore[call-overload]
    except (RuntimeError, TypeError) as error:
        raise InputError(
            f"device_map: {device_map!r}: Evo goes onto one device: {error}"
        ) from error
    return device
