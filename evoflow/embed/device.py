"""Where a model runs, and in which type."""

import torch

from evoflow.errors import InputError


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
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        found = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
        raise InputError(
            f"model.device: {name!r} cannot be used here ({str(error).splitlines()[0]}); "
            f"set auto, {', '.join([*found, 'cpu'])}"
        ) from error
    return torch.device("cuda:0") if device == torch.device("cuda") else device


def choose_dtype(name: str, device: torch.device) -> torch.dtype:
    """Resolve a dtype of the settings; `auto` is bfloat16 on GPUs that have it, else float32.

    Raises
    ------
    InputError
        If bfloat16 is asked of a GPU that lacks it, such as a V100.
    """
    on_gpu = device.type == "cuda"
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


def share_cores(tasks: int) -> None:
    """Compute on this task's share of the cores, where so many tasks run on one machine.

    The threads of each task would else wait for each other while another task has their cores.
    """
    torch.set_num_threads(max(1, torch.get_num_threads() // tasks))
