"""Where a model runs, in which type, and whether it fits there."""

from pathlib import Path

import torch

from evoflow.embed.evo import EvoConfig, EvoForCausalLM
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
