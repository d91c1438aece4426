"""The published pickle of an Evo 2 model, read once, becomes safetensors files.

A pickle can run anything when it is read. It is read with torch's reader of weights alone, which
refuses whatever is not a tensor; the metadata of FP8 layers is passed over unread.
"""

import io
import json
import pickle
import pickletools
import shutil
import warnings
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import is_zipfile

import torch
from huggingface_hub import split_state_dict_into_shards_factory
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from evoflow.embed.evo2.modeling import Evo2
from evoflow.embed.evo2.published import KNOWN, known_name
from evoflow.embed.evo2.sizes import Evo2Sizes
from evoflow.embed.hyena.checkpoint import (
    INDEX,
    SINGLE,
    Checkpoint,
    check_finite,
    check_tensors,
    read_json,
)
from evoflow.embed.weights.files import ITEM_BYTES, LocalFile, refuse_pointer
from evoflow.embed.weights.loading import DTYPES
from evoflow.errors import InputError, first_line
from evoflow.files.atomic import new_folder

SHARD = "5GB"
PATTERN = "model{suffix}.safetensors"
METADATA: list[Any] = [io.BytesIO, bytes]
"""What the FP8 metadata of published pickles is made of, besides tensors."""

HARMLESS = {"collections.OrderedDict", "torch._utils._rebuild_tensor_v2", "_codecs.encode"}
"""What every pickle of tensors takes, besides storages."""


def convert_checkpoint(
    source: str | Path, folder: Path, config: Evo2Sizes | None = None, *, replace: bool = False
) -> Checkpoint:
    """Write a published checkpoint as safetensors files with `config.json`.

    The folder appears when it is whole. Tensors go from the mapped file to the written one, so
    that hardly more than one of them is in memory.

    Parameters
    ----------
    source
        A `.pt` file, or a folder that holds one. Its configuration is the `config.json` beside it
        or, where that is none of a model's, the shipped one of the known name that the file has.
    folder
        What is written.
    config
        Used instead.
    replace
        Put it in the place of a checkpoint that is in the folder; other files in it stay.

    Raises
    ------
    InputError
        If the file is no sound checkpoint, wants more than tensors, or needs FP8; or the folder
        already exists.
    """
    path = find_pickle(Path(source))
    config = config_of(path) if config is None else config
    replace = replace and folder.is_dir()
    if folder.exists() and not replace and (folder.is_file() or any(folder.iterdir())):
        raise InputError(f"{folder}: already exists; name a new folder or remove it")
    tensors = _checked(path, read_pickle(path), config)
    try:
        if replace:
            with TemporaryDirectory(prefix=".converted.", dir=folder) as beside:
                _write(tensors, config, Path(beside))
                _put_in_place(Path(beside), folder)
        else:
            with new_folder(folder) as made:
                _write(tensors, config, made)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{folder}: cannot be written ({reason}); choose another folder"
        ) from error
    return Checkpoint(folder)


def find_pickle(source: Path) -> Path:
    """Find the one `.pt` file of a folder."""
    if source.is_file():
        return source
    if not source.is_dir():
        raise InputError(f"{source}: no such file or folder")
    found = sorted(path for path in source.glob("*.pt") if path.is_file())
    if len(found) != 1:
        names = f" ({', '.join(path.name for path in found)})" if found else ""
        raise InputError(f"{source}: holds {len(found)} .pt files{names}; name the file itself")
    return found[0]


def config_of(path: Path) -> Evo2Sizes:
    """Read the configuration of a pickle: the one beside it, or the shipped one of its name.

    Raises
    ------
    InputError
        If there is neither, or the model needs FP8.
    """
    beside = path.with_name("config.json")
    raw: dict[str, Any] = read_json(beside) if beside.is_file() else {}
    if "hidden_size" in raw:
        try:
            return Evo2Sizes.from_dict({key: raw[key] for key in raw if key != "model_type"})
        except InputError as error:
            raise InputError(f"{beside}: {problem}" for problem in error.problems) from error
    name = known_name(path.stem)
    if name is None:
        raise InputError(
            f"{path}: has no config.json beside it and no known name; put the model's config.json "
            f"there, or give the file its published name, such as {KNOWN['evo2-7b'].file}"
        )
    return Evo2Sizes(**KNOWN[name].config)


def read_pickle(path: Path) -> dict[str, Any]:
    """Read a pickled state dict without running anything of it; tensors stay in the file.

    Raises
    ------
    InputError
        Naming what the pickle wants besides tensors; or if it is cut short or none of torch's.
    """
    if path.is_file():
        refuse_pointer(LocalFile(path))
    try:
        with torch.serialization.safe_globals(METADATA):
            state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (pickle.UnpicklingError, RuntimeError, ValueError, EOFError, OSError) as error:
        wanted = _foreign(path)
        if wanted:
            raise InputError(
                f"{path}: refused: the pickle asks for {', '.join(wanted)}, which no checkpoint "
                "needs and which could run anything; fetch the file from its publisher again"
            ) from error
        reason = first_line(error)
        if not is_zipfile(path):
            reason = "it is not the whole zip archive that torch has written since version 1.6"
        raise InputError(
            f"{path}: cannot be read ({reason}); fetch it again, or save it with a newer torch"
        ) from error
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        raise InputError(f"{path}: must be a dict of tensors by name; save the model's state_dict")
    return state


def _foreign(path: Path) -> list[str]:
    """Name what a pickle takes besides tensors; nothing is run."""
    try:
        with torch.serialization.safe_globals(METADATA):
            return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except (RuntimeError, ValueError, EOFError, OSError, pickle.UnpicklingError):
        with path.open("rb") as file:  # a bare pickle, as others write
            return _globals_of(file.read(10_000_000))


def _globals_of(content: bytes) -> list[str]:
    found: list[str] = []
    strings: list[str] = []
    try:
        for operation, argument, _ in pickletools.genops(content):
            if operation.name in {"GLOBAL", "INST"}:
                found.append(str(argument).replace(" ", "."))
            elif operation.name == "STACK_GLOBAL":
                found.append(".".join(strings[-2:]))
            elif isinstance(argument, str):
                strings.append(argument)
    except ValueError:  # no pickle, or no further
        pass
    return sorted({name for name in found if name not in HARMLESS})


def _checked(path: Path, state: Mapping[str, Any], config: Evo2Sizes) -> dict[str, Tensor]:
    """Return the tensors that the model needs, in its order; refuse what is missing or unknown."""
    model = Evo2.without_weights(config)
    kept = {
        name: value
        for name, value in state.items()
        if not name.endswith("._extra_state")  # of FP8 layers: io.BytesIO, never opened
        and not name.endswith(".mixer.mixer.filter.t")  # 0, 1, 2, ...
    }
    tied = kept.pop("unembed.weight", None) if config.tie_embeddings else None
    others = [name for name, value in kept.items() if not isinstance(value, Tensor)]
    if others:
        kind = type(kept[others[0]]).__name__
        raise InputError(f"{path}: {others[0]} is a {kind}, not a tensor")
    check_tensors(path, {name: tuple(value.shape) for name, value in kept.items()}, model)
    stored = {DTYPES[name] for name in ITEM_BYTES}
    for name, value in kept.items():
        if value.dtype not in stored or value.layout != torch.strided:
            raise InputError(
                f"{path}: {name} is {value.dtype} ({value.layout}); weights must be dense "
                "floating-point numbers of 16, 32 or 64 bits: take a checkpoint that is neither "
                "quantised nor sparse"
            )
        check_finite(path, name, value)
        if name.endswith(("log_poles", "residues")) and value.dtype != torch.float32:
            warnings.warn(
                f"{path}: {name} is {value.dtype}, so rounded; logits can be 0.2% off",
                stacklevel=2,
            )
    if isinstance(tied, Tensor) and not torch.equal(tied, kept["embedding_layer.weight"]):
        raise InputError(
            f"{path}: unembed.weight differs from embedding_layer.weight, but "
            "tie_embeddings is true in config.json"
        )
    return {name: kept[name] for name in model.state_dict()}


def _put_in_place(made: Path, folder: Path) -> None:
    """Move a conversion to where an older one is.

    Stopped in between, it leaves a folder that cannot be loaded rather than a mix of two models:
    the file that the weights are looked for in is the first to go, and the last to come.
    """
    entries = (SINGLE, INDEX)
    for name in (*entries, *(old.name for old in folder.glob(PATTERN.format(suffix="*")))):
        (folder / name).unlink(missing_ok=True)
    for new in sorted(made.iterdir(), key=lambda path: path.name in entries):
        new.replace(folder / new.name)


def _write(tensors: dict[str, Tensor], config: Evo2Sizes, folder: Path) -> None:
    """Write the configuration, shards and their index."""
    named = Evo2Sizes.from_dict(config.to_dict() | {"architectures": ["Evo2ForCausalLM"]})
    (folder / "config.json").write_text(named.to_json_string(), encoding="utf-8")
    plan = split_state_dict_into_shards_factory(
        tensors,
        get_storage_size=lambda tensor: tensor.nbytes,
        filename_pattern=PATTERN,
        max_shard_size=SHARD,
    )
    for file, names in plan.filename_to_tensors.items():
        part = {name: tensors[name].contiguous() for name in names}
        # safetensors refuses tensors that share memory, as tied weights do.
        users = Counter(tensor.untyped_storage().data_ptr() for tensor in part.values())
        for name, tensor in part.items():
            if users[tensor.untyped_storage().data_ptr()] > 1:
                part[name] = tensor.clone()
        save_file(part, folder / file, metadata={"format": "pt"})
        shutil.copymode(folder / "config.json", folder / file)  # safetensors' own is 0600
    if plan.is_sharded:
        index = {"metadata": plan.metadata, "weight_map": plan.tensor_to_filename}
        (folder / INDEX).write_text(json.dumps(index, indent=1), encoding="utf-8")
