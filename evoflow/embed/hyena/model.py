"""What all Evo models can do, in torch alone.

`evoflow.embed.evo` makes them models of transformers, whose import takes longer than embedding a
small shard.
"""

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import init
from torch.overrides import TorchFunctionMode

from evoflow.embed.hyena.backbone import Backbone
from evoflow.embed.hyena.checkpoint import Checkpoint
from evoflow.embed.hyena.sizes import Sizes
from evoflow.embed.weights.loading import Progress
from evoflow.settings.layer_names import Layer, LayerOutput, resolve_layer


class Predicted(NamedTuple):
    """What a model predicts.

    Attributes
    ----------
    logits
        Of each next token, shape=(batch, length, vocab_size).
    """

    logits: Tensor


class Hyena(nn.Module):
    """A model of DNA that predicts each next base from all before it.

    Parameters
    ----------
    config
        Sizes and switches.
    """

    backbone: Backbone
    weights_identity: str | None = None
    """Name of the weights as they were stored; None where they came from no checkpoint."""

    def __init__(self, config: Sizes) -> None:
        super().__init__()
        self.config: Any = config  # transformers' where the model is of transformers
        self.add_modules(config)

    def add_modules(self, config: Any) -> None:
        """Make the modules, under their published names."""
        raise NotImplementedError

    def forward(self, input_ids: Tensor) -> Predicted:
        """Predict every next token of ids, shape=(batch, length), padded on the right."""
        return Predicted(self.outputs(input_ids, ["logits"])["logits"])

    def outputs(self, input_ids: Tensor, layers: Collection[Layer]) -> dict[Layer, Tensor]:
        """Return what several layers make of sequences, in one pass of no more blocks than needed.

        Parameters
        ----------
        input_ids
            Integers, shape=(batch, length), padded on the right.
        layers
            Names as `evoflow.settings.layer_names` describes them, such as 27,
            `blocks.26.mlp.l3` or `logits`.

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
        depth: int = self.config.num_layers
        return depth if output.num_blocks is None else output.num_blocks

    @property
    def device(self) -> torch.device:
        """Where the first weights are."""
        return next(weight.device for weight in self.parameters())

    @property
    def dtype(self) -> torch.dtype:
        """Type of the first weights."""
        return next(weight.dtype for weight in self.parameters() if weight.is_floating_point())

    @classmethod
    def without_weights(cls, config: Sizes) -> Self:
        """Make the model on the meta device: names and shapes, without memory."""
        with torch.device("meta"), _WithoutValues():
            return cls(config)

    @classmethod
    def load(
        cls,
        checkpoint: Checkpoint,
        config: Sizes,
        *,
        dtype: torch.dtype | None,
        device: torch.device,
        progress: Progress | None = None,
    ) -> Self:
        """Make the model without memory, then put the weights onto it while they are read."""
        model = cls.without_weights(config)
        model.weights_identity = checkpoint.load_into(model, dtype, device, progress)
        return model.eval()

    def draw_weights(self) -> None:
        """Make random weights, as transformers' models have them from the start."""
        self.apply(self._init_weights)

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


class _WithoutValues(TorchFunctionMode):
    """Leaves out the values that torch's modules begin with.

    On the meta device they would be none, but to find that out torch imports its compiler.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == init.__name__:
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)


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
