"""What `EvoForCausalLM` and `Evo2ForCausalLM` share: models of transformers, read exactly."""

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from os import PathLike
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import GenerationMixin, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

from evoflow.embed.hyena.backbone import Backbone
from evoflow.embed.hyena.checkpoint import Checkpoint
from evoflow.embed.hyena.hub import find_checkpoint
from evoflow.embed.hyena.options import (
    HUB_OPTIONS,
    WITHOUT_EFFECT,
    resolve_device,
    resolve_dtype,
)
from evoflow.embed.weights.loading import Progress
from evoflow.errors import InputError
from evoflow.layers import Layer, LayerOutput, resolve_layer


class HyenaForCausalLM(PreTrainedModel, GenerationMixin):
    """A model of DNA that predicts each next base from all before it.

    `generate` computes the whole sequence again for each base: there is no cache of states.
    """

    main_input_name = "input_ids"
    _supports_sdpa = True
    find: ClassVar[Callable[..., Checkpoint]] = staticmethod(find_checkpoint)
    """Resolves a name to a checkpoint; see `hub.find_checkpoint`."""

    weights_identity: str | None = None
    """Name of the weights as they were stored; None where they came from no checkpoint."""

    backbone: Backbone

    @classmethod
    def config_type(cls) -> type[PreTrainedConfig]:
        """Return the kind of configuration that the model has."""
        assert cls.config_class is not None  # noqa: S101  # every model here sets it
        return cls.config_class

    def forward(
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

    def outputs(self, input_ids: Tensor, layers: Collection[Layer]) -> dict[Layer, Tensor]:
        """Return what several layers make of sequences, in one pass of no more blocks than needed.

        Parameters
        ----------
        input_ids
            Integers, shape=(batch, length), padded on the right.
        layers
            Names as `evoflow.layers` describes them, such as 27, `blocks.26.mlp.l3` or `logits`.

        Returns
        -------
        dict
            Of each layer, shape=(batch, length, width); see `width`.

        Raises
        ------
        InputError
            If a name is not known, or the model has too few blocks.
        """
        depth = self.config.num_layers
        wanted = {layer: resolve_layer(layer, depth) for layer in layers}
        num_blocks = max((self._depth(output) for output in wanted.values()), default=0)
        found: dict[Layer, Tensor] = {}
        with ExitStack() as hooks:
            for layer, output in wanted.items():
                if output.kind == "mlp":
                    block: Any = self.backbone.blocks[self._depth(output) - 1]
                    hooks.enter_context(_keeping(found, layer, block.mlp.l3))
            for blocks, x in enumerate(self.backbone.residual_stream(input_ids, num_blocks)):
                for layer, output in wanted.items():
                    if output == LayerOutput("residual", blocks):
                        found[layer] = x
        ends = {layer: output.kind for layer, output in wanted.items() if output.num_blocks is None}
        if ends:
            final = self.backbone.finish(x)
            logits = self.backbone.logits(final) if "logits" in ends.values() else final
            found |= {layer: logits if kind == "logits" else final for layer, kind in ends.items()}
        return found

    def width(self, layer: Layer) -> int:
        """Return the values per token of a layer; raises as `outputs` does."""
        output = resolve_layer(layer, self.config.num_layers)
        return int(self.config.vocab_size if output.kind == "logits" else self.config.hidden_size)

    def _depth(self, output: LayerOutput) -> int:
        return self.config.num_layers if output.num_blocks is None else output.num_blocks

    @classmethod
    def from_pretrained(  # type: ignore[override]  # fewer options, and refused by name
        cls,
        pretrained_model_name_or_path: str | PathLike[str],
        config: PreTrainedConfig | None = None,
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
        config = checkpoint.config(cls.config_type()) if config is None else config
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
        config: PreTrainedConfig,
        *,
        dtype: torch.dtype | None,
        device: torch.device,
        progress: Progress | None = None,
    ) -> Self:
        """Make the model without memory, then put the weights onto it while they are read."""
        with torch.device("meta"):
            model = cls(config)
        model.weights_identity = checkpoint.load_into(model, dtype, device, progress)
        model.config.name_or_path = str(checkpoint.folder)
        model.config.dtype = model.dtype
        model.eval()
        return model

    def get_input_embeddings(self) -> nn.Module:
        """Return the token embedding."""
        return self.backbone.embedding_layer

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Draw weights under which every block adds a little.

        As in GPT-2 the linear weights are small beside the embedding: else a few random blocks
        drown the bases that they are given.
        """
        if isinstance(module, nn.Linear):
            module.weight.normal_(std=0.02)
            if module.bias is not None:
                module.bias.zero_()
        elif isinstance(module, nn.Embedding):
            module.weight.normal_(std=module.embedding_dim**-0.5)


@contextmanager
def _keeping(found: dict[Layer, Tensor], layer: Layer, module: nn.Module) -> Iterator[None]:
    """Keep what a module returns; hooked, it is called on its own."""

    def keep(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        found[layer] = output

    hook = module.register_forward_hook(keep)
    try:
        yield
    finally:
        hook.remove()
