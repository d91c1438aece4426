"""A checkpoint's folder: whether it is sound, and how it is loaded.

Weights come from safetensors alone: pickles and remote code are never read here.
"""

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from evoflow.embed.hyena.sizes import Sizes
from evoflow.embed.weights.files import LocalFile, StoredTensor, WeightFile, tensors_of
from evoflow.embed.weights.loading import Progress, TensorStream
from evoflow.errors import InputError

Config = TypeVar("Config", bound=Sizes)

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
PICKLES = {".pt", ".pth", ".bin", ".pkl"}
STALE = ".rotary_emb.inv_freq"
"""Tensors that Evo-1's checkpoints hold in bfloat16 and that are computed in float32 instead."""


@dataclass(frozen=True)
class Checkpoint:
    """A folder in the published layout.

    Attributes
    ----------
    folder
        Holds `config.json` and one or several safetensors files.
    commit
        Commit of the repository that it is a copy of, if it is.
    elsewhere
        The files of the weights by name, where they do not lie in the folder.
    digests
        Of tensors, by name, where they are known; see `TensorStream`.
    """

    folder: Path
    commit: str | None = None
    elsewhere: Mapping[str, WeightFile] = field(default_factory=dict, hash=False)
    digests: Mapping[str, str] = field(default_factory=dict, hash=False)

    def config(self, *kinds: type[Config]) -> Config:
        """Understand `config.json` as that of one of several kinds of models."""
        path = self.folder / "config.json"
        raw = read_json(path)
        kind = next((kind for kind in kinds if kind.model_type == raw.get("model_type")), None)
        if kind is None:
            known = " or ".join(repr(kind.model_type) for kind in kinds)
            raise InputError(f"{path}: model_type {raw.get('model_type')!r} is not Evo's ({known})")
        try:
            return kind.from_dict(raw)
        except (TypeError, ValueError) as error:
            raise InputError(f"{path}: {error}") from error
        except InputError as error:
            raise InputError(f"{path}: {problem}" for problem in error.problems) from error

    def shards(self) -> list[WeightFile]:
        """List the files that hold the weights."""
        index = self.folder / INDEX
        if not index.exists():
            return [self._existing(SINGLE)]
        weight_map = read_json(index).get("weight_map")
        names = list(weight_map.values()) if isinstance(weight_map, dict) else []
        if not names or not all(isinstance(name, str) for name in names):
            raise InputError(
                f"{index}: has no weight_map of tensors and their files; fetch the checkpoint again"
            )
        return [self._existing(name) for name in sorted(set(names))]

    def tensors(self) -> list[StoredTensor]:
        """List the tensors of all files; raises `InputError` where one is listed twice."""
        found: dict[str, StoredTensor] = {}
        for file in self.shards():
            for tensor in tensors_of(file):
                if tensor.name in found:
                    raise InputError(
                        f"{file.label}: has {tensor.name}, which {found[tensor.name].file.label} "
                        "has too; fetch the checkpoint again"
                    )
                found[tensor.name] = tensor
        return list(found.values())

    def load_into(
        self,
        model: nn.Module,
        dtype: torch.dtype | None,
        device: torch.device,
        progress: Progress | None = None,
    ) -> str:
        """Put the weights onto a model made on the meta device, while further ones are read.

        Parameters
        ----------
        model
            Its state dict says which tensors must be there, and their shapes.
        dtype
            Type of the weights, but for those that the model keeps in float32; None: as stored.
        device
            Where the weights go.
        progress
            Called with the bytes read so far and those of all.

        Returns
        -------
        str
            Name of the weights as they are stored; see `weights_identity`.

        Raises
        ------
        InputError
            Naming each tensor that is missing, unknown or misshapen, before any is read; or one
            that is not finite; or the file that cannot be read.
        """
        tensors = self.tensors()
        check_tensors(self.folder, {tensor.name: tensor.shape for tensor in tensors}, model)
        stream = TensorStream(tensors, device, digests=self.digests, progress=progress)
        for stored, tensor in stream:
            check_finite(stored.file.label, stored.name, tensor)
            owner, _, name = stored.name.rpartition(".")
            module = model.get_submodule(owner)
            if name not in module._parameters:  # noqa: SLF001
                # As stored: Evo-1's only to be written back, Evo 2's because it counts.
                module.register_buffer(name, tensor)
                continue
            exact = name in getattr(module, "exact", ())
            target = torch.float32 if exact else dtype
            if exact and tensor.dtype != torch.float32:
                warnings.warn(
                    f"{stored.file.label}: {stored.name} is {tensor.dtype}, so rounded; logits can "
                    "be 5% off",
                    stacklevel=2,
                )
            setattr(module, name, nn.Parameter(tensor.to(target or tensor.dtype)))
        return stream.identity

    def _existing(self, name: str) -> WeightFile:
        if name in self.elsewhere:
            return self.elsewhere[name]
        path = self.folder / name
        if Path(name).name == name and path.is_file():
            return LocalFile(path)
        pickles = sorted(p.name for p in self.folder.iterdir() if p.suffix in PICKLES)
        beside = f"; {', '.join(pickles)} are pickles, which are never loaded" if pickles else ""
        raise InputError(f"{path}: no such file{beside}; fetch the checkpoint's safetensors files")


def check_tensors(source: Path, found: Mapping[str, tuple[int, ...]], model: nn.Module) -> None:
    """Compare the shapes of the tensors that a checkpoint has and that its model needs.

    Raises
    ------
    InputError
        Naming the tensors that are missing, unknown or misshapen.
    """
    expected = {key: tuple(weight.shape) for key, weight in model.state_dict().items()}
    known = {key for key in found if key in expected or not key.endswith(STALE)}
    problems = [f"lacks {key}" for key in expected if key not in known]
    problems += [f"has {key}, which Evo does not" for key in sorted(known - set(expected))]
    problems += [
        f"has {key} of shape {found[key]} where config.json makes it {shape}"
        for key, shape in expected.items()
        if key in known and found[key] != shape
    ]
    if problems:
        shown = problems[:5] + ([f"and {len(problems) - 5} more"] if len(problems) > 5 else [])
        raise InputError(f"{source}: its weights do not fit config.json: {'; '.join(shown)}")


def check_finite(source: Path | str, name: str, tensor: Tensor) -> None:
    """Refuse a tensor with a value that is no number, which would make every embedding NaN.

    Raises
    ------
    InputError
        Naming it.
    """
    # Needs no memory, and is 20 times as fast as `isfinite` of all values.
    if tensor.numel() and not torch.stack(tensor.aminmax()).isfinite().all():
        raise InputError(
            f"{source}: {name} has values that are NaN or infinite; fetch the checkpoint again, or "
            "take another one"
        )


def read_json(path: Path) -> dict[str, object]:
    """Read a JSON object of a checkpoint."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}; name the folder of a checkpoint, or fetch it again"
        ) from error
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON ({error}); fetch the checkpoint again") from error
    if not isinstance(document, dict):
        raise InputError(f"{path}: must be a JSON object; fetch the checkpoint again")
    return document
