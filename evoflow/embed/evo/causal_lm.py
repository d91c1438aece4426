"""Evo as models of transformers, read exactly."""

from collections.abc import Callable
from os import PathLike
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import GenerationMixin, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput, CausalLMOutput

from evoflow.embed.evo.configuration import AnyConfig, Evo2Config, EvoConfig
from evoflow.embed.evo.options import HUB_OPTIONS, WITHOUT_EFFECT, resolve_device, resolve_dtype
from evoflow.embed.evo1.modeling import Evo
from evoflow.embed.evo2.checkpoint import find_checkpoint
from evoflow.embed.evo2.modeling import Evo2
from evoflow.embed.hyena import hub
from evoflow.embed.hyena.checkpoint import Checkpoint
from evoflow.embed.hyena.model import Hyena
from evoflow.errors import InputError


class HyenaForCausalLM(Hyena, PreTrainedModel, GenerationMixin):
    """A model of DNA that predicts each next base from all before it.

    `generate` computes the whole sequence again for each base: there is no cache of states.
    """

    config_class: type[AnyConfig]
    main_input_name = "input_ids"
    _supports_sdpa = True
    _no_split_modules = ["HyenaBlock", "AttentionBlock"]  # noqa: RUF012  # transformers' own type
    find: ClassVar[Callable[..., Checkpoint]] = staticmethod(hub.find_checkpoint)
    """Resolves a name to a checkpoint; see `hub.find_checkpoint`."""

    def __init__(self, config: AnyConfig) -> None:
        PreTrainedModel.__init__(self, config)
        self.add_modules(config)
        self.post_init()

    def forward(  # type: ignore[override]  # as transformers has it
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        *,
        labels: Tensor | None = None,
        output_attentions: bool | None = None,  # transformers' interface
        output_hidden_states: bool | None = None,
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
        inputs_embeds
            Instead of token ids, what the embedding gives, shape=(batch, length, hidden).
        labels
            The token ids again, -100 where they do not count: for the loss.
        output_attentions
            Not supported: attention weights are never formed.
        output_hidden_states
            Whether to return `hidden_states`: `num_layers + 1` tensors of shape=(batch, length,
            hidden), of which the k-th is the residual stream after k blocks.
        return_dict
            Whether to return an object rather than a tuple.

        Returns
        -------
        CausalLMOutput
            `logits`, shape=(batch, length, vocab_size), `hidden_states` if asked for, and the mean
            `loss` per token where there are labels.

        Raises
        ------
        InputError
            If a mask is not right-padded, or attention weights are wanted.
        """
        if output_attentions:
            raise InputError("output_attentions: Evo's attention weights are never formed")
        given = input_ids if inputs_embeds is None else inputs_embeds
        if given is None:
            raise InputError("forward: give input_ids or inputs_embeds")
        final, kept = self.states(given, attention_mask, output_hidden_states)
        logits = self.backbone.logits(final)
        loss = None
        if labels is not None:
            following = labels[:, 1:].flatten().to(logits.device).long()
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), following)
        output = CausalLMOutput(loss=loss, logits=logits, hidden_states=kept)
        return output if return_dict is not False else output.to_tuple()

    def states(
        self, given: Tensor, attention_mask: Tensor | None, output_hidden_states: bool | None
    ) -> tuple[Tensor, tuple[Tensor, ...] | None]:
        """Return what the last norm gives and, if asked for, the residual stream."""
        if attention_mask is not None and bool(
            (attention_mask[:, 1:] > attention_mask[:, :-1]).any()
        ):
            raise InputError("attention_mask pads on the left; Evo needs padding on the right")
        keep = output_hidden_states
        keep = self.config.output_hidden_states if keep is None else keep
        kept: list[Tensor] = []
        for x in self.backbone.residual_stream(given):
            if keep:
                kept.append(x)
        return self.backbone.finish(x), tuple(kept) if keep else None

    def generate(self, *args: Any, **options: Any) -> Any:
        """Continue sequences, as transformers has it, but without a cache.

        Raises
        ------
        InputError
            If prompts are padded: the padding would come before what follows.
        """
        mask = options.get("attention_mask")
        if mask is not None and not bool(torch.as_tensor(mask).all()):
            raise InputError("generate: prompts of one batch must be of one length, not padded")
        options["use_cache"] = False
        return super().generate(*args, **options)  # type: ignore[misc]  # its self is a protocol

    def prepare_inputs_for_generation(  # type: ignore[override]  # the rest is for caches
        self, input_ids: Tensor, attention_mask: Tensor | None = None, **_options: Any
    ) -> dict[str, Tensor | None]:
        """Give the whole sequence to every step."""
        return {"input_ids": input_ids, "attention_mask": attention_mask}

    @classmethod
    def from_pretrained(  # type: ignore[override]  # fewer options, and refused by name
        cls,
        pretrained_model_name_or_path: str | PathLike[str],
        config: AnyConfig | None = None,
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
            Type of the weights, but for those that are never rounded; default: as stored.
        revision
            Branch, tag or commit; default: the one that fits a known name.
        options
            `device_map`, one device for all weights; `cache_dir`, `token`, `local_files_only` and
            `force_download` of the hub; keys of the configuration. Those that transformers passes
            on without effect here, `trust_remote_code` among them, are accepted.

        Raises
        ------
        InputError
            If the checkpoint is not found, unsafe, unsound or of another model.
        """
        if options.pop("use_safetensors", True) is False:
            raise InputError("use_safetensors=False asks for pickles, which are never loaded")
        dtype = resolve_dtype(options.pop("torch_dtype", None) if dtype is None else dtype)
        device = resolve_device(options.pop("device_map", None))
        hub = {key: options.pop(key) for key in HUB_OPTIONS & set(options)}
        checkpoint = cls.find(str(pretrained_model_name_or_path), revision, **hub)
        config = checkpoint.config(cls.config_class) if config is None else config
        for key in set(options) - WITHOUT_EFFECT:
            if not hasattr(config, key):
                raise InputError(
                    f"from_pretrained: {key}={options[key]!r} is not supported for Evo"
                )
            setattr(config, key, options[key])
        model = cls.load(checkpoint, config, dtype=dtype, device=device)
        model.config.name_or_path = str(checkpoint.folder)
        model.config.dtype = model.dtype
        return model

    def get_input_embeddings(self) -> nn.Module:
        """Return the token embedding."""
        return self.backbone.embedding_layer


class LastStates(HyenaForCausalLM):
    """A model whose result is what the last norm gives: what `AutoModel` makes."""

    def forward(  # type: ignore[override]  # without labels
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> BaseModelOutput | tuple[Any, ...]:
        """Return `last_hidden_state`, shape=(batch, length, hidden); see `HyenaForCausalLM`."""
        final, kept = self.states(input_ids, attention_mask, output_hidden_states)
        output = BaseModelOutput(last_hidden_state=final, hidden_states=kept)
        return output if return_dict is not False else output.to_tuple()


class EvoForCausalLM(Evo, HyenaForCausalLM):
    """Evo-1, a model of DNA that predicts each next base from all before it."""

    config_class = EvoConfig
    base_model_prefix = "backbone"


class Evo2ForCausalLM(Evo2, HyenaForCausalLM):
    """Evo 2, a model of DNA of all life that predicts each next base from all before it."""

    config_class = Evo2Config
    base_model_prefix = ""
    find = staticmethod(find_checkpoint)


class EvoModel(LastStates, EvoForCausalLM):
    """Evo-1 whose result is its last states."""


class Evo2Model(LastStates, Evo2ForCausalLM):
    """Evo 2 whose result is its last states."""
