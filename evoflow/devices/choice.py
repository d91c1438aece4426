"""Which device a model runs on, and in which type."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from evoflow.errors import InputError, first_line


def choose_device(name: str) -> torch.device:
    """Resolve a device of the settings; `auto` is the first GPU, else the CPU.

    Raises
    ------
    InputError
        If the name is no device, or this machine lacks it.
    """
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()  # `meta` holds no values
    except (RuntimeError, AssertionError, ImportError) as error:
        if _is_out_of_memory(error):
            raise InputError(_full(name, error)) from error
        found = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
        raise InputError(
            f"model.device: {name!r} cannot be used here ({first_line(error)}); "
            f"set auto, {', '.join([*found, 'cpu'])}"
        ) from error
    return torch.device("cuda:0") if device == torch.device("cuda") else device


def choose_dtype(name: str, device: torch.device) -> torch.dtype:
    """Resolve a dtype of the settings; `auto` is bfloat16 on GPUs that have it, else float32.

    Raises
    ------
    InputError
        If bfloat16 is asked of a GPU that lacks it, such as a V100, or the GPU does not answer.
    """
    on_gpu = device.type == "cuda"
    with readable_cuda_errors(device):
        native = on_gpu and torch.cuda.get_device_capability(device) >= (8, 0)
    if name == "bfloat16" and on_gpu and not native:
        raise InputError(
            f"model.dtype: {torch.cuda.get_device_name(device)} has no bfloat16; "
            "set float32 (or auto), or use an A100 or newer"
        )
    if name == "auto":
        return torch.bfloat16 if native else torch.float32
    return torch.float32 if name == "float32" else torch.bfloat16


def device_name(device: torch.device) -> str:
    """Name a device as a record of results should: `cpu`, or the GPU's model."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)


@contextmanager
def readable_cuda_errors(device: torch.device) -> Iterator[None]:
    """Turn an error of CUDA's own into a message: for code that asks a device about itself.

    Raises
    ------
    InputError
        Naming the device and what CUDA said.
    """
    try:
        yield
    except RuntimeError as error:
        if device.type != "cuda":
            raise
        if _is_out_of_memory(error):
            raise InputError(_full(str(device), error)) from error
        raise InputError(
            f"model.device: {device} does not answer ({first_line(error)}); check it with "
            "nvidia-smi, or set another device"
        ) from error


@contextmanager
def readable_out_of_memory(device: torch.device) -> Iterator[None]:
    """Turn a GPU's lack of memory into a message, and let every other error through.

    Raises
    ------
    InputError
        Naming the device and what CUDA said.
    """
    try:
        yield
    except RuntimeError as error:
        if device.type != "cuda" or not _is_out_of_memory(error):
            raise
        raise InputError(_full(str(device), error)) from error


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error).lower()


def _full(name: str, error: BaseException) -> str:
    return (
        f"model.device: {name} has too little memory left ({first_line(error)}); nvidia-smi shows "
        "which processes use it; end them, set another device, or lower model.tokens_per_batch or "
        "model.head.batch_size"
    )
