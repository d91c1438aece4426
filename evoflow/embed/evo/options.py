"""Options of `from_pretrained`, as transformers has them, and what they mean here."""

import torch

from evoflow.errors import InputError, first_line

HUB_OPTIONS = {"cache_dir", "token", "local_files_only", "force_download"}

WITHOUT_EFFECT = {
    "_commit_hash",
    "_from_auto",
    "_from_pipeline",
    "adapter_kwargs",
    "attn_implementation",
    "code_revision",
    "low_cpu_mem_usage",
    "subfolder",
    "trust_remote_code",
    "weights_only",
}


def resolve_dtype(dtype: torch.dtype | str | None) -> torch.dtype | None:
    """Resolve what transformers takes as a dtype; None is as stored."""
    named = getattr(torch, dtype, dtype) if isinstance(dtype, str) else dtype
    if named in (None, "auto"):
        return None
    if not isinstance(named, torch.dtype) or not named.is_floating_point:
        raise InputError(f"dtype: {dtype!r} is not a floating-point type; set float32 or bfloat16")
    return named


def resolve_device(device_map: object) -> torch.device:
    """Resolve a device map of one device; raises `InputError` for another, or one not here."""
    if isinstance(device_map, dict) and len(set(device_map.values())) == 1:
        device_map = next(iter(device_map.values()))
    if device_map is None:
        return torch.device("cpu")
    if device_map == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        device: torch.device = torch.device(device_map)  # type: ignore[call-overload]
    except (RuntimeError, TypeError) as error:
        reason = "it has several" if isinstance(device_map, dict) else first_line(error)
        raise InputError(
            f"device_map: {device_map!r}: Evo is loaded onto one device ({reason}); to spread it, "
            "load it onto the CPU and call accelerate.dispatch_model(model, device_map)"
        ) from error
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, ImportError) as error:
        raise InputError(
            f"device_map: {device_map!r} cannot be used here ({first_line(error)}); set auto or cpu"
        ) from error
    return device
