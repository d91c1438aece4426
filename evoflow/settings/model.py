"""The model config: which Evo embeds the reads, what is kept, and how the head learns."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from evoflow.errors import InputError
from evoflow.settings.data import LONGEST
from evoflow.settings.layer_names import Layer, parse_layer
from evoflow.settings.target import TargetSettings
from evoflow.settings.types import (
    Fraction,
    NonNegativeWhole,
    Number,
    PositiveNumber,
    PositiveWhole,
    Section,
    Share,
    Whole,
)

DILATION = 3
"""Factor by which each layer sees further: as codons do, the second layer steps by three bases."""


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


LayerName = Annotated[NonNegativeWhole | str, AfterValidator(_layer)]


class Window(Section):
    """Tokens kept around the allele."""

    window: PositiveWhole
    """Number of tokens, centred on the base at which the allele begins to differ from the
    reference."""


class EmbeddingSettings(Section):
    """What is stored of each read: the cost of `embed` is its bytes."""

    layer: LayerName = "final"
    """`final` (after the last norm), `logits`, a number of blocks, or a name from the papers:
    `blocks.26`, `blocks.26.mlp.l3`, `embedding_layer`, `norm` or `unembed`."""
    layers: tuple[LayerName, ...] = ()
    """Several layers instead of one, computed in one pass. One head is trained per layer, and the
    validation rows decide which is used."""
    tokens: Literal["all", "mean"] | Window = Window(window=64)
    """What to store of each read: `all` tokens, their `mean`, or `window: N` around the allele."""
    strands: Literal["forward", "both"] = "forward"
    """`both` embeds the reverse complement of every sequence too, which doubles cost and bytes.

    Evo reads from left to right, so nothing left of an allele depends on it. With `both` the head
    sees both strands of every base.
    """
    stored_dtype: Literal["float16", "float32"] = "float16"
    """Number type of the stored embeddings."""

    @model_validator(mode="after")
    def _names_layers_once(self) -> Self:
        if self.layers and "layer" in self.model_fields_set:
            raise ValueError("`layers` replaces `layer`; remove one or the other")
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
    block_size: PositiveWhole = 5_000
    """Length of a genomic block in bases, used if there are too few contigs to split by contig."""
    folds: Annotated[Whole, Field(ge=3)] | None = None
    """Number of folds of cross-validation, which tests every example once; default: one split.

    Each head is tested on one fold, and the next fold decides when its training stops;
    `validation` and `test` are ignored. The head that is kept learns from all folds but the first,
    which decides when its training stops.
    """
    by: Literal["block", "contig"] = "block"
    """`contig`: cross-validation whose folds are whole contigs; one per contig without `folds`."""

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
    """How even the scores become: 0 changes nothing, `uniform` gives all scores equally many rows.

    In between, a score that has a fraction s of the most common score's alleles gets a fraction
    s ** (1 - target) of its rows.
    """
    by: Literal["rows", "weights"] = "rows"
    """`rows` adds rows of rare scores, `weights` gives their rows a greater weight in the loss."""


class HeadSettings(Section):
    """The convolutional head and its training."""

    channels: Annotated[PositiveWhole, Field(le=8192)] = 64
    """Number of channels between the convolutions."""
    kernel_size: Annotated[PositiveWhole, AfterValidator(_odd)] = 7
    """Width of a convolution in tokens; odd."""
    layers: Annotated[PositiveWhole, Field(le=9)] = 3
    """Number of convolutions; each reaches three times as far as the one before."""
    dropout: Fraction = 0.1
    """Share of the values that training sets to zero at random."""
    learning_rate: PositiveNumber = 1e-3
    """Highest learning rate, reached after the warm-up."""
    weight_decay: Annotated[Number, Field(ge=0)] = 1e-2
    """Weight decay of AdamW."""
    batch_size: PositiveWhole = 64
    """Training rows per optimiser step."""
    epochs: PositiveWhole = 40
    """Maximum number of passes over the training rows."""
    patience: PositiveWhole = 8
    """Training stops after this many epochs without a better ranking of the validation rows."""
    memory: PositiveNumber = 4.0
    """Maximum GiB of embeddings in memory; larger embeddings are kept in a scratch file."""

    @model_validator(mode="after")
    def _reaches_tokens(self) -> Self:
        reach = max(1, self.kernel_size // 2) * DILATION ** (self.layers - 1)
        if reach > LONGEST:
            raise ValueError(
                f"layers: {self.layers} with kernel_size: {self.kernel_size} would reach {reach} "
                f"tokens to each side, but reads have at most {LONGEST}; lower one of them"
            )
        return self


class ModelSettings(Section):
    """Which Evo embeds the reads, what is kept, and the head that learns from it."""

    checkpoint: Annotated[str, Field(min_length=1)] = "evo-demo"
    """A known name (`evo-demo`, `evo-1-8k-base`, ...), a Hugging Face repository or a folder."""
    revision: str | None = None
    """Branch, tag or commit; default: the one that fits a known name."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto`: bfloat16 where the GPU has it, float32 elsewhere."""
    device: str = "auto"
    """`auto`: the first GPU, else the CPU; or a torch device such as `cuda:1`."""
    tokens_per_batch: PositiveWhole = 8192
    """Number of tokens per forward pass."""
    target: TargetSettings = TargetSettings()
    """What the head learns: `impact` (the class of the consequence), `pathogenicity` (ClinVar's
    classification) or a `column` of your own."""
    embedding: EmbeddingSettings = EmbeddingSettings()
    split: SplitSettings = SplitSettings()
    balance: BalanceSettings = BalanceSettings()
    head: HeadSettings = HeadSettings()

    def holding(self, length: int) -> Self:
        """Return the settings with batches that hold a sequence of so many bases."""
        if length <= self.tokens_per_batch:
            return self
        return self.model_copy(update={"tokens_per_batch": length})
