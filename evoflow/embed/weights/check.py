"""What the model config asks for, checked before any work: nothing large is fetched or loaded."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import suppress
from os import sysconf
from os.path import expandvars
from pathlib import Path
from typing import TYPE_CHECKING

from evoflow.devices.cgroups import memory_available
from evoflow.embed.hyena.sizes import Sizes
from evoflow.embed.objects.places import require_writable
from evoflow.embed.weights.builtin import builtin_config, refuse_folder, refuse_revision
from evoflow.errors import InputError, collected
from evoflow.files.home import expand_home
from evoflow.settings import ComputeSettings, ModelSettings, Settings, Window
from evoflow.settings.layer_names import resolve_layer

if TYPE_CHECKING:
    from evoflow.embed.hyena.checkpoint import Checkpoint

logger = logging.getLogger(__name__)


def check_model(settings: Settings) -> ModelSettings:
    """Check checkpoint, layer, tokens, device, memory and the place of shared weights.

    torch is imported only for a model that is not part of evoflow, or for a device that is named.

    Returns
    -------
    ModelSettings
        The settings with the commit that the revision stands for now: a branch may move while the
        run, or a resume of it, goes on.

    Raises
    ------
    InputError
        With all problems that were found.
    """
    model, compute = settings.model.holding(settings.data.sequence_length), settings.compute
    problems: list[str] = []
    config: Sizes | None = None
    commit = None
    with collected(problems):
        config, commit = _find(model, compute)
    if config is not None:
        problems += _length_misfits(settings, config.max_seqlen)
        for layer in model.embedding.stored_layers:
            try:
                resolve_layer(layer, config.num_layers)
            except InputError as error:
                problems.append(f"model.embedding.layer: {model.checkpoint}: {error}")
    if compute.target == "local" and model.device not in {"auto", "cpu"}:
        with collected(problems):
            _check_device(model.device)
    if compute.weights is not None and compute.is_seen_here(compute.weights):
        with collected(problems):
            _check_shared(model, compute.weights, commit)
    if problems:
        raise InputError(problems)
    return model if commit is None else model.model_copy(update={"revision": commit})


def _find(model: ModelSettings, compute: ComputeSettings) -> tuple[Sizes, str | None]:
    """Find the configuration of the checkpoint and its commit; check that its weights are there."""
    builtin = builtin_config(model.checkpoint)
    if builtin is not None:
        refuse_folder(model.checkpoint)
        refuse_revision(model.checkpoint, model.revision)
        return builtin, None

    from evoflow.embed.weights.architectures import read_config
    from evoflow.embed.weights.model import describe
    from evoflow.embed.weights.shared import SharedWeights, SharingError

    store = None
    if compute.weights is not None and compute.is_seen_here(compute.weights):
        with suppress(SharingError):  # said where the place is checked
            store = SharedWeights(compute.weights)
    described = describe(model, store)
    config = read_config(described)
    if described.commit is not None and compute.weights is None:
        _check_hub(model, described.commit, local=compute.target == "local")
    elif described.folder == expand_home(expandvars(model.checkpoint)).absolute():
        _check_files(described, config)
    remote = compute.target != "local"
    if described.commit is None and remote and not compute.mounts(model.checkpoint):
        logger.warning(
            "model.checkpoint: tasks on %s see %s only if their image or a volume has it; "
            "otherwise name a repository of the hub",
            compute.target,
            model.checkpoint,
        )
    if compute.target == "local" and model.device in {"auto", "cpu"}:
        _check_memory(model, config)
    return config, described.commit


def _check_files(checkpoint: "Checkpoint", config: Sizes) -> None:
    """Check that a folder's files hold every tensor that its configuration asks for."""
    from evoflow.embed.hyena.checkpoint import check_tensors
    from evoflow.embed.weights.architectures import model_of

    found = {tensor.name: tensor.shape for tensor in checkpoint.tensors()}
    check_tensors(checkpoint.folder, found, model_of(config).without_weights(config))


def _check_hub(model: ModelSettings, commit: str, *, local: bool) -> None:
    """Check that the hub has the weights, and this machine room for those that are not here yet."""
    from evoflow.embed.evo2.checkpoint import repository_of, weight_files
    from evoflow.embed.weights.download import Wanted, missing_bytes

    wanted = Wanted(str(repository_of(model.checkpoint)), commit, weight_files(model.checkpoint))
    missing = missing_bytes(wanted)
    room = _free_room(wanted.cache)
    if local and missing > room:
        raise InputError(
            f"model.checkpoint: {model.checkpoint} needs {missing / 1e9:.1f} GB in {wanted.cache}, "
            f"which has {room / 1e9:.1f} GB free; make room or set HF_HOME to another folder"
        )


def _free_room(folder: Path) -> int:
    """Free bytes where a folder is, or will be."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return shutil.disk_usage(there).free


def _check_memory(model: ModelSettings, config: Sizes) -> None:
    """Refuse a model that the device could not hold even if nothing else ran on it."""
    import torch

    from evoflow.devices.choice import choose_dtype
    from evoflow.devices.gpus import named_gpus
    from evoflow.embed.weights.memory import needed_memory

    gpus = named_gpus(model.device)
    device = torch.device(gpus[0].device if gpus else "cpu")
    dtype = choose_dtype(model.dtype, device)
    needed = needed_memory(config, dtype, model.tokens_per_batch)
    total = torch.cuda.get_device_properties(device).total_memory if gpus else _memory_of_machine()
    if sum(needed.values()) > total:
        raise InputError(
            f"model.checkpoint: {model.checkpoint} in {str(dtype).removeprefix('torch.')} needs "
            f"{needed['weights'] / 1e9:.1f} GB for its weights and about "
            f"{needed['activations'] / 1e9:.1f} GB for model.tokens_per_batch: "
            f"{model.tokens_per_batch}, but {gpus[0].name if gpus else 'this machine'} has "
            f"{total / 1e9:.1f} GB; use a device with more memory, lower model.tokens_per_batch, "
            "or set model.dtype to bfloat16"
        )


def _memory_of_machine() -> int:
    """Bytes of the machine's memory, or what its container may still take."""
    everything = sysconf("SC_PHYS_PAGES") * sysconf("SC_PAGE_SIZE")
    allowed = memory_available()
    return everything if allowed is None else min(everything, allowed)


def _check_device(name: str) -> None:
    """Check that this machine has a device."""
    from evoflow.devices.choice import choose_device
    from evoflow.devices.gpus import named_gpus

    if not named_gpus(name):
        choose_device(name)


def _length_misfits(settings: Settings, longest: int) -> Iterator[str]:
    """Say how the reads' length does not fit the model or the window."""
    data = settings.data
    given = {"read_length": data.read_length, "context": data.context or 0}
    for name, bases in given.items():
        if bases > longest:
            yield (
                f"data.{name}: {bases} bases are more than {settings.model.checkpoint} takes; "
                f"set at most {longest}"
            )
    length, tokens = data.read_length, settings.model.embedding.tokens
    if data.context is not None and not isinstance(tokens, Window):
        yield (
            f"model.embedding.tokens: {tokens} would keep or average all {data.context} bases of "
            "data.context; set a window, such as `tokens: {window: 64}`"
        )
    if isinstance(tokens, Window) and tokens.window > length:
        yield (
            f"model.embedding.tokens: a window of {tokens.window} tokens is longer than the reads "
            f"(data.read_length: {length}); set a window of at most {length}"
        )


def _check_shared(model: ModelSettings, location: str, commit: str | None) -> None:
    """Check that the place of shared weights can be written, unless it has the weights already."""
    if commit is not None:
        from evoflow.embed.evo2.checkpoint import repository_of
        from evoflow.embed.weights.shared import SharedWeights, SharingError

        with suppress(SharingError):  # what follows says what is wrong with it
            if SharedWeights(location).find(str(repository_of(model.checkpoint)), commit):
                return
    require_writable(location, "compute.weights")
