"""Whether a model fits into the memory of its device."""

import time

import torch

from evoflow.devices.choice import device_name
from evoflow.devices.memory import MemoryClaim, free_memory
from evoflow.embed.hyena.sizes import Sizes
from evoflow.embed.weights.architectures import model_of
from evoflow.errors import InputError

LEAVING_SECONDS = 20
"""How long a killed process may take to give a GPU's memory back."""


def needed_memory(config: Sizes, dtype: torch.dtype, tokens: int) -> dict[str, int]:
    """Estimate the bytes that embedding takes.

    Parameters
    ----------
    tokens
        Tokens that go through the model at once.

    Returns
    -------
    dict
        Bytes of the `weights` and of the `activations`: at the widest place of a block, its
        MLP's three inner tensors beside the residual stream, the normed input and what the last
        step left; or, at the end, the logits with their float32 logarithms.
    """
    model = model_of(config).without_weights(config).to(dtype)  # but for what stays exact
    weights = sum(weight.nbytes for weight in model.parameters())
    inner = 3 * config.inner_mlp_size + 4 * config.hidden_size
    mixer = 12 * config.hidden_size
    logits = config.vocab_size * (1 + 8 // dtype.itemsize) + 4 * config.hidden_size
    return {"weights": weights, "activations": tokens * dtype.itemsize * max(inner, mixer, logits)}


def require_memory(
    config: Sizes, dtype: torch.dtype, device: torch.device, tokens: int, checkpoint: str
) -> MemoryClaim | None:
    """Refuse a model that the device has too little memory for, before anything is loaded.

    Waits for the memory while other tasks on this machine have it.

    Returns
    -------
    MemoryClaim or None
        To be kept as long as the model, on the CPU.

    Raises
    ------
    InputError
        With what is needed and what is free.
    """
    needed = needed_memory(config, dtype, tokens)
    total = sum(needed.values())
    if device.type == "cpu":
        claim = MemoryClaim.wait_for(total)
        if claim is not None:
            return claim
    free = _free_soon(device, total)
    if free is None or total <= free:
        return None
    gigabytes = {part: f"{size / 1e9:.1f} GB" for part, size in needed.items()}
    remedy = (
        "lower model.tokens_per_batch"
        if needed["weights"] + needed["activations"] // 8 < free
        else "use a device with more memory"
        + (", or set model.dtype to bfloat16" if dtype == torch.float32 else "")
    )
    if device.type == "cpu":
        remedy += "; in a run of several shards, `--max-workers 1` leaves more of it to each"
    raise InputError(
        f"{checkpoint} in {str(dtype).removeprefix('torch.')} needs {gigabytes['weights']} for its "
        f"weights and about {gigabytes['activations']} for {tokens} tokens at once, but "
        f"{device} ({device_name(device)}) has {free / 1e9:.1f} GB free; {remedy}"
    )


def _free_soon(device: torch.device, needed: int) -> int | None:
    """Return the free memory; on a GPU, after the last task's process has left it."""
    deadline = time.monotonic() + LEAVING_SECONDS
    while (free := free_memory(device)) is not None and free < needed and device.type == "cuda":
        if time.monotonic() > deadline:
            break
        time.sleep(0.5)
    return free
