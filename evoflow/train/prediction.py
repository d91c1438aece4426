"""A head run over rows, without learning."""

from contextlib import AbstractContextManager

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from evoflow.train.network import ConvolutionalHead
from evoflow.train.pairs import Embeddings, Numbers, Pairs

PREDICTION_BATCH = 256

KEPT_SHARE = 0.6
"""Of a GPU's free memory that embeddings may take: batches and weights need the rest."""


def outputs(
    network: ConvolutionalHead, pairs: Pairs, device: torch.device
) -> npt.NDArray[np.float32]:
    """Run the network over rows without learning: scores, shape=(n,)."""
    network.eval()
    parts = [torch.empty(0)]
    with torch.inference_mode(), autocast(device):
        for start in range(0, len(pairs), PREDICTION_BATCH):
            rows = np.arange(start, min(start + PREDICTION_BATCH, len(pairs)))
            parts.append(network(*gather(pairs, rows, device)).float())
    return torch.cat([part.cpu() for part in parts]).numpy()


def place(embeddings: Embeddings, device: torch.device) -> Embeddings | Tensor:
    """Put the embeddings where they are learnt from: on the GPU if they fit, else they stay.

    A batch is then gathered at the speed of the GPU's memory; from the host it takes longer than
    the learning.
    """
    if device.type != "cuda":
        return embeddings
    free, _ = torch.cuda.mem_get_info(device)
    if embeddings.nbytes > KEPT_SHARE * free:
        return embeddings
    return torch.from_numpy(embeddings).to(device)


def gather(pairs: Pairs, rows: Numbers, device: torch.device) -> tuple[Tensor, Tensor]:
    """Bring the reads and windows of some rows to the device, as they were stored.

    Returns
    -------
    tuple[Tensor, Tensor]
        Shape=(n, tokens, strands * width) each. A token of the forward strand has the same base of
        the other strand beside it, so that strand's tokens are taken from their end.
    """
    return _strands(pairs, pairs.read[rows], device), _strands(pairs, pairs.window[rows], device)


def _strands(pairs: Pairs, numbers: Numbers, device: torch.device) -> Tensor:
    forward = _take(pairs.embeddings, numbers[:, 0], device)
    if numbers.shape[1] == 1:
        return forward
    return torch.cat([forward, _take(pairs.embeddings, numbers[:, 1], device).flip(1)], dim=-1)


def _take(embeddings: Embeddings | Tensor, numbers: Numbers, device: torch.device) -> Tensor:
    if isinstance(embeddings, Tensor):
        index = torch.from_numpy(np.ascontiguousarray(numbers))
        return embeddings.index_select(0, index.to(embeddings.device, non_blocking=True))
    return torch.from_numpy(embeddings[numbers]).to(device)


def autocast_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 on GPUs that have it, float16 on older ones such as the V100, float32 on a CPU."""
    if device.type != "cuda":
        return torch.float32
    if torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return torch.float16


def autocast(device: torch.device) -> AbstractContextManager[object]:
    """Compute in `autocast_dtype` where the device is a GPU."""
    return torch.autocast(device.type, dtype=autocast_dtype(device), enabled=device.type == "cuda")
