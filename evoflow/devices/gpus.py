"""The GPUs that this process may use."""

import os
from dataclasses import dataclass

import pynvml
import torch

from evoflow.devices.choice import readable_cuda_errors
from evoflow.errors import InputError


@dataclass(frozen=True)
class Gpu:
    """One GPU.

    Attributes
    ----------
    device
        How torch calls it in this process, such as `cuda:0`.
    identity
        Its UUID: the same in every process, whatever `CUDA_VISIBLE_DEVICES` says.
    name
        Its model.
    """

    device: str
    identity: str
    name: str


def visible_gpus() -> list[Gpu]:
    """List the GPUs that CUDA shows to this process, without taking memory on any of them.

    CUDA itself reads `CUDA_VISIBLE_DEVICES`: numbers, UUIDs or their beginnings, parts of a GPU
    (MIG), or nothing at all.

    Raises
    ------
    InputError
        If CUDA finds GPUs but cannot be started.
    """
    if not torch.cuda.is_available():
        return []
    with readable_cuda_errors(torch.device("cuda")):
        found = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
    return [
        Gpu(f"cuda:{index}", _part_of_gpu(index) or f"GPU-{properties.uuid}", properties.name)
        for index, properties in enumerate(found)
    ]


def roomiest_first(gpus: list[Gpu]) -> list[Gpu]:
    """Order GPUs by their free memory, in steps of 1 GiB; as they are where it is unknown.

    A shared machine has GPUs that other people's processes fill.
    """
    return sorted(gpus, key=lambda gpu: -(_free_memory(gpu.identity) >> 30))


def named_gpus(name: str) -> list[Gpu]:
    """List the GPUs that a device of the settings stands for; none for the CPU.

    Raises
    ------
    InputError
        If this machine lacks the device.
    """
    gpus = visible_gpus() if name == "auto" or name.partition(":")[0] == "cuda" else []
    if name == "auto" or (name == "cuda" and gpus):
        return gpus
    chosen = [gpu for gpu in gpus if gpu.device == name]
    if not chosen and name.startswith("cuda"):
        devices = ["auto", *(gpu.device for gpu in gpus)]
        raise InputError(
            f"model.device: {name!r} is not available (CUDA_VISIBLE_DEVICES is "
            f"{os.environ.get('CUDA_VISIBLE_DEVICES', 'not set')}); "
            f"set {', '.join(devices)} or cpu"
        )
    return chosen


def _part_of_gpu(index: int) -> str | None:
    """Name the MIG part that a device is: its parts share the UUID of the whole GPU."""
    entries = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    entry = entries[index].strip() if index < len(entries) else ""
    return entry if entry.startswith("MIG-") else None


def _free_memory(identity: str) -> int:
    """Ask the driver for a GPU's free bytes; 0 where there is no such driver.

    `torch.cuda.mem_get_info` would take some hundred megabytes of the GPU to tell.
    """
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(identity.encode())
        return int(pynvml.nvmlDeviceGetMemoryInfo(handle).free)
    except pynvml.NVMLError:
        return 0
