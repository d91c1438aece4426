"""The model config: which Evo embeds the reads, what is kept, and how the head learns."""

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from evoflow.errors import InputError
from evoflow.layers import Layer, parse_layer
from evoflow.settings.types import Fraction, Section, Share


def _odd(number: int) -> int:
    if number % 2 == 0:
        raise ValueError("must be odd, so that a kernel has a middle")
    return number


def _layer(layer: Layer) -> Layer:
    try:
        parse_layer(layer)
    except InputError as error:
        raise ValueError(str(error)) from error
    return layer


LayerName = Annotated[NonNegativeInt | str, AfterValidator(_layer)]


class Window(Section):
    """Tokens kept around the allele."""

    window: PositiveInt
    """Number of tokens, centred on the allele."""


class EmbeddingSettings(Section):
    """What is stored of each read: the cost of `embed` is its bytes."""

    layer: LayerName = "final"
    """`final` (after the last norm), `logits`, a number of blocks, or the field's own names.

    Those are `blocks.26`, `blocks.26.mlp.l3`, `embedding_layer`, `norm` and `unembed`.
    """
    layers: tuple[LayerName, ...] = ()
    """Several layers instead, stored in one pass; a head learns from each, and the validation
    rows choose the head of the run."""
    tokens: Literal["all", "mean"] | Window = Window(window=64)
    """`all`, `mean`, or `window: N` around the allele."""
    strands: Literal["forward", "both"] = "forward"
    """`both` embeds the reverse complement of every sequence too, which doubles cost and bytes.

    A model that reads from left to right cannot show left of an allele what the allele changes;
    the head then sees both strands of every base.
    """
    stored_dtype: Literal["float16", "float32"] = "float16"
    """Type in which embeddings are kept as artifacts."""

    @model_validator(mode="after")
    def _names_layers_once(self) -> Self:
        if self.layers and "layer" in self.model_fields_set:
            raise ValueError("`layers` stands in place of `layer`; remove one or the other")
        meant = [parse_layer(layer) for layer in self.layers]
        twice = [name for k, name in enumerate(self.layers) if meant[k] in meant[:k]]
        if twice:
            raise ValueError(f"layers: {twice[0]} is named more than once")
        return self

    @property
    def stored_layers(self) -> tuple[Layer, ...]:
        """All layers that are stored."""
        return self.layers or (self.layer,)

    def of(self, layer: Layer) -> Self:
        """Return the settings with this one layer."""
        return self.model_copy(update={"layer": layer, "layers": ()})


class SplitSettings(Section):
    """How examples are divided; whole genomic blocks go to one side."""

    validation: Share = 0.15
    """Share of the examples that decides when training stops."""
    test: Share = 0.25
    """Share of the examples that every metric is computed on."""
    block_size: PositiveInt = 5_000
    """Bases of a genomic block, where there are too few contigs to split by contig."""
    folds: Annotated[int, Field(ge=3)] | None = None
    """Cross-validation: so many heads, so that every example is tested once; default: one split.

    Each head is tested on one fold and stopped by the next; `validation` and `test` then count for
    nothing. The head that is kept learns from all folds but the first, which stops it.
    """
    by: Literal["block", "contig"] = "block"
    """`contig`: cross-validation whose folds are whole contigs, each its own without `folds`."""

    @model_validator(mode="after")
    def _leaves_training(self) -> Self:
        if self.validation + self.test >= 0.9:
            raise ValueError("validation and test leave less than a tenth for training")
        return self

    @property
    def is_crossed(self) -> bool:
        """Whether every example is tested once, by a head that did not learn from it."""
        return self.folds is not None or self.by == "contig"


class BalanceSettings(Section):
    """How rare labels are made less rare, in the training split only."""

    target: Literal["uniform"] | Fraction = "uniform"
    """How even scores become: 0 leaves them, `uniform` gives all as many rows as the commonest.

    Between the two a score with a share s of the commonest score's alleles gets s ** (1 - target)
    of its rows.
    """
    by: Literal["rows", "weights"] = "rows"
    """Add rows of rare scores, or give their rows a greater weight in the loss."""


class HeadSettings(Section):
    """The convolutional head and its training."""

    channels: PositiveInt = 64
    """Channels between the convolutions."""
    kernel_size: Annotated[PositiveInt, AfterValidator(_odd)] = 7
    """Tokens that a convolution sees at once; odd."""
    layers: PositiveInt = 3
    """Convolutions; each sees three times as far as the one before."""
    dropout: Fraction = 0.1
    """Share of the values that training hides at random."""
    learning_rate: PositiveFloat = 1e-3
    """Its peak, after the warm-up."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-2
    """Of AdamW."""
    batch_size: PositiveInt = 64
    """Training rows of one optimiser step."""
    epochs: PositiveInt = 40
    """Passes over the training rows, at most."""
    patience: PositiveInt = 8
    """Epochs that rank the validation rows no better, after which training stops."""
    memory: PositiveFloat = 4.0
    """GiB of embeddings kept in memory at most; beyond, a scratch file holds them."""


class ModelSettings(Section):
    """Which Evo embeds the reads, what is kept, and the head that learns from it."""

    checkpoint: str = "evo-demo"
    """A known name (`evo-demo`, `evo-1-8k-base`, ...), a Hugging Face repository or a folder."""
    revision: str | None = None
    """Branch, tag or commit; default: the one that fits a known name."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto`: bfloat16 where the GPU has it, float32 elsewhere."""
    device: str = "auto"
    """`auto`: the first GPU, else the CPU; or a torch device such as `cuda:1`."""
    tokens_per_batch: PositiveInt = 8192
    """Tokens that go through the model at once."""
    embedding: EmbeddingSettings = EmbeddingSettings()
    split: SplitSettings = SplitSettings()
    balance: BalanceSettings = BalanceSettings()
    head: HeadSettings = HeadSettings()
