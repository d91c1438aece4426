"""Whether a model fits into the memory of its device."""

from pathlib import Path

import torch

from evoflow.embed.device import device_name
from evoflow.embed.evo1 import EvoConfig, EvoForCausalLM
from evoflow.errors import InputError


def free_memory(device: torch.device) -> int | None:
    """Bytes that a device has free; None where the system does not say."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type != "cpu":
        return None
    limits = [_meminfo_available(), _cgroup_available()]
    return min((limit for limit in limits if limit is not None), default=None)


def _meminfo_available() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    sizes = dict(line.split(":") for line in lines)
    return int(sizes["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in sizes else None


def _cgroup_available() -> int | None:
    """Return what the container may still take, its file cache included; None without a limit."""
    folder = Path("/sys/fs/cgroup")
    try:
        limit = (folder / "memory.max").read_text(encoding="ascii").strip()
        used = int((folder / "memory.current").read_text(encoding="ascii"))
        statistics = (folder / "memory.stat").read_text(encoding="ascii").split()
    except OSError:
        return None
    cached = int(statistics[statistics.index("inactive_file") + 1])
    return None if limit == "max" else int(limit) - used + cached


def needed_memory(config: EvoConfig, dtype: torch.dtype, tokens: int) -> dict[str, int]:
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
    with torch.device("meta"):
        model = EvoForCausalLM(config)
    weights = sum(
        weight.numel() * (4 if name.endswith(("poles", "residues")) else dtype.itemsize)
        for name, weight in model.named_parameters()
    )
    inner = 3 * config.inner_mlp_size + 4 * config.hidden_size
    mixer = 12 * config.hidden_size
    logits = config.vocab_size * (1 + 8 // dtype.itemsize) + 4 * config.hidden_size
    return {"weights": weights, "activations": tokens * dtype.itemsize * max(inner, mixer, logits)}


def require_memory(
    config: EvoConfig, dtype: torch.dtype, device: torch.device, tokens: int, checkpoint: str
) -> None:
    """Refuse a model that the device has too little memory for, before anything is loaded.

    Raises
    ------
    InputError
        With what is needed and what is free.
    """
    free = free_memory(device)
    needed = needed_memory(config, dtype, tokens)
    if free is None or sum(needed.values()) <= free:
        return
    gigabytes = {part: f"{size / 1e9:.1f} GB" for part, size in needed.items()}
    mend = (
        "lower model.tokens_per_batch"
        if needed["weights"] + needed["activations"] // 8 < free
        else "use a device with more memory"
        + (", or set model.dtype to bfloat16" if dtype == torch.float32 else "")
    )
    raise InputError(
        f"{checkpoint} in {str(dtype).removeprefix('torch.')} needs {gigabytes['weights']} for its "
        f"weights and about {gigabytes['activations']} for {tokens} tokens at once, but "
        f"{device} ({device_name(device)}) has {free / 1e9:.1f} GB free; {mend}"
    )
