"""What embedding returns, what made it and what it took; read without torch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evoflow.embed.pooling import Tokens
from evoflow.embed.store.cache import Use
from evoflow.settings.layer_names import Layer


@dataclass(frozen=True)
class Provenance:
    """What made the embeddings: equal provenance, equal embeddings up to rounding.

    Attributes
    ----------
    checkpoint
        Known name, repository or folder.
    revision
        Commit of the checkpoint; None for a folder and for `evo-tiny`.
    layer, tokens
        What was kept, as in the settings; all layers where there are several.
    dtype
        Type of the weights and activations; poles and residues are always float32.
    device
        `cpu`, or the GPU's model.
    tokens_per_batch
        Tokens that went through the model at once, at most.
    versions
        Of evoflow and of the libraries that compute.
    weights
        Name of the weights as they are stored, which other values do not have; None for a model
        that came from no checkpoint.
    """

    checkpoint: str
    revision: str | None
    layer: Layer | tuple[Layer, ...]
    tokens: Tokens
    dtype: str
    device: str
    tokens_per_batch: int
    versions: dict[str, str]
    weights: str | None = None


@dataclass
class Work:
    """What a run did, up to now.

    Attributes
    ----------
    forward_passes
        Batches that went through the model.
    tokens, padding
        Tokens computed, and those of them that were padding.
    halved_batches
        Batches that the device had too little memory for.
    seconds
        Time since the first batch began.
    unique_sequences
        Sequences that differ.
    """

    forward_passes: int = 0
    tokens: int = 0
    padding: int = 0
    halved_batches: int = 0
    seconds: float = 0.0
    unique_sequences: int = 0

    def add(self, other: "Work") -> None:
        """Add what another run did, except for its time."""
        self.forward_passes += other.forward_passes
        self.tokens += other.tokens
        self.padding += other.padding
        self.halved_batches += other.halved_batches
        self.unique_sequences += other.unique_sequences


@dataclass(frozen=True)
class EmbeddingReport:
    """What embedding took.

    Attributes
    ----------
    sequences, unique_sequences
        Sequences asked for, and those that went through the model.
    forward_passes
        Batches that went through the model.
    tokens
        Tokens computed, padding included.
    padding_waste
        Share of those tokens that was padding.
    seconds
        Time from the first batch to the last result.
    halved_batches
        Batches that the device had too little memory for.
    cache
        What came from a store of embeddings; None without one.
    """

    sequences: int
    unique_sequences: int
    forward_passes: int
    tokens: int
    padding_waste: float
    seconds: float
    halved_batches: int = 0
    cache: Use | None = None

    @property
    def sequences_per_second(self) -> float:
        """Sequences asked for per second."""
        return self.sequences / self.seconds


@dataclass(frozen=True)
class Embeddings:
    """Embeddings of sequences, in the order in which they were given.

    Attributes
    ----------
    values
        shape=(n, tokens, width). With `tokens="all"`, sequences shorter than the longest are
        filled with zeros on the right.
    log_likelihood
        float32, shape=(n,): mean natural log-likelihood of each base but the first, given those
        before it. NaN where there is none: for one base, and for a layer before the last block.
    report
        What it took.
    provenance
        What made them.
    """

    values: NDArray[np.floating]
    log_likelihood: NDArray[np.float32]
    report: EmbeddingReport
    provenance: Provenance


def report_of(work: Work, sequences: int, cache: Use | None = None) -> EmbeddingReport:
    """Sum up the work that embedding so many sequences took."""
    return EmbeddingReport(
        sequences=sequences,
        unique_sequences=work.unique_sequences,
        forward_passes=work.forward_passes,
        tokens=work.tokens,
        padding_waste=work.padding / max(1, work.tokens),
        halved_batches=work.halved_batches,
        seconds=work.seconds,
        cache=cache,
    )
