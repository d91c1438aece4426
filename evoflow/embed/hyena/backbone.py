"""What runs a model's blocks one after the other."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from evoflow.embed.hyena.convolution import FilterCache
from evoflow.embed.hyena.modules import RMSNorm
from evoflow.embed.hyena.operations import fastest
from evoflow.errors import InputError


class Backbone:
    """The way through a model: embedding, blocks, last norm and unembedding.

    A model that inherits this has the modules below.
    """

    filter_cache: FilterCache
    embedding_layer: nn.Embedding
    blocks: nn.ModuleList  # of Block
    norm: RMSNorm | None
    unembed: nn.Embedding | None

    def residual_stream(self, given: Tensor, num_blocks: int | None = None) -> Iterator[Tensor]:
        """Yield the residual stream: the embedding, then after each of the first blocks.

        Parameters
        ----------
        given
            Token ids, shape=(batch, length), or what stands in place of their embedding,
            shape=(batch, length, hidden).
        num_blocks
            Blocks to run; all of them when absent.

        Yields
        ------
        Tensor
            shape=(batch, length, hidden).

        Raises
        ------
        InputError
            If token ids have another shape, or there are none.
        """
        x = given
        if not given.is_floating_point():
            if given.dim() != 2 or not given.numel():
                raise InputError(
                    f"input_ids: shape {tuple(given.shape)} is not that of (batch, length)"
                )
            x = self.embedding_layer(given.t()).transpose(0, 1)  # (B, L, C), in memory (L, B, C)
        yield x
        for block in self.blocks[:num_blocks]:
            x = block(x)
            yield x

    def finish(self, x: Tensor) -> Tensor:
        """Apply the last norm to what `residual_stream` yielded last."""
        return x if self.norm is None else self.norm(x)

    def logits(self, final: Tensor) -> Tensor:
        """Unembed what `finish` returned, shape=(batch, length, vocab_size)."""
        embedding = self.embedding_layer if self.unembed is None else self.unembed
        x = final.transpose(0, 1)  # (L, B, C)
        return fastest(x).linear(x, _vectors(embedding, x.device), None).transpose(0, 1)


def _vectors(embedding: nn.Embedding, device: torch.device) -> Tensor:
    """Return the vectors of all tokens, on a device; an adapter's, where there is one."""
    if type(embedding) is nn.Embedding and "forward" not in embedding.__dict__:
        return embedding.weight.to(device)
    return embedding(torch.arange(len(embedding.weight), device=device)).to(device)
