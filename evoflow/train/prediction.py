"""A head run over rows, without learning."""

from contextlib import AbstractContextManager

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from evoflow.train.network import ConvolutionalHead
from evoflow.train.pairs import Embeddings

PREDICTION_BATCH = 256

Rows = npt.NDArray[np.int64]


def outputs(
    network: ConvolutionalHead,
    embeddings: Embeddings,
    read: Rows,
    window: Rows,
    device: torch.device,
) -> npt.NDArray[np.float32]:
    """Run the network over rows without learning: values in [0, 1], shape=(n,)."""
    network.eval()
    parts = [np.empty(0, np.float32)]
    with torch.inference_mode(), autocast(device):
        for start in range(0, len(read), PREDICTION_BATCH):
            rows = slice(start, start + PREDICTION_BATCH)
            pair = (gather(embeddings, numbers[rows], device) for numbers in (read, window))
            parts.append(network(*pair).float().cpu().numpy())
    return np.concatenate(parts)


def gather(embeddings: Embeddings, numbers: Rows, device: torch.device) -> Tensor:
    """Bring some sequences to the device, as they were stored: (n, tokens, width)."""
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
