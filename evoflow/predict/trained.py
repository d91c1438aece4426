"""A trained head with all that prediction needs, as a folder that can be passed on."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import ValidationError

from evoflow import __version__
from evoflow.errors import InputError
from evoflow.settings import EmbeddingSettings, ModelSettings
from evoflow.train.head import Head
from evoflow.train.head_config import HeadConfig

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
FORMAT = 2
"""Raised when configuration or weights change so that other code cannot read them."""


@dataclass(frozen=True)
class TrainedHead:
    """A head, and the embeddings that it was trained on.

    Attributes
    ----------
    head
        Shape and weights.
    checkpoint, revision
        The model that embedded; `revision` is the commit, None where there is none.
    embedding
        Layer, tokens and type of the embeddings.
    read_length
        Bases of every sequence.
    """

    head: Head
    checkpoint: str
    revision: str | None
    embedding: EmbeddingSettings
    read_length: int

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` and `config.json`."""
        from safetensors.numpy import save

        folder.mkdir(parents=True, exist_ok=True)
        arrays = {name: np.ascontiguousarray(array) for name, array in self.head.weights.items()}
        # `save_file` would leave a file that nobody else may read.
        (folder / WEIGHTS).write_bytes(save(arrays, metadata={"format": "pt"}))
        config = {
            "model_type": "evoflow-head",
            "format": FORMAT,
            "evoflow_version": __version__,
            "head": asdict(self.head.config),
            "checkpoint": self.checkpoint,
            "revision": self.revision,
            "embedding": self.embedding.model_dump(mode="json"),
            "read_length": self.read_length,
        }
        (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        InputError
            When a file is missing, or is not what `save` writes.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        path = folder / CONFIG
        try:
            config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if config["format"] != FORMAT:
                raise InputError(
                    f"{path}: its format is {config['format']}, this evoflow reads {FORMAT}: "
                    "train and export it again, or use the evoflow that wrote it "
                    f"({config['evoflow_version']})"
                )
            return cls(
                Head(HeadConfig(**config["head"]), load_file(folder / WEIGHTS)),
                config["checkpoint"],
                config["revision"],
                EmbeddingSettings(**config["embedding"]),
                config["read_length"],
            )
        except OSError as error:
            raise InputError(
                f"{error.filename or folder / WEIGHTS}: cannot be read; "
                "give a folder that `evoflow export` wrote"
            ) from error
        except (ValueError, KeyError, TypeError, ValidationError, SafetensorError) as error:
            raise InputError(
                f"{folder}: is not a head that `evoflow export` wrote ({error}); export it again"
            ) from error

    def model_settings(self, asked: ModelSettings | None) -> ModelSettings:
        """Make the settings of the model that must embed.

        Parameters
        ----------
        asked
            What the user asks for; only where and how fast it computes may differ from the
            training. None: as trained, on whatever device is present.

        Raises
        ------
        InputError
            With every setting that differs from the head's.
        """
        embedding = self.embedding
        if asked is None:
            return ModelSettings(
                checkpoint=self.checkpoint, revision=self.revision, embedding=embedding
            )
        differing = [
            f"model.{key} is {given}, the head was trained with {trained}: set it to that"
            for key, given, trained in (
                ("checkpoint", asked.checkpoint, self.checkpoint),
                ("embedding.layer", asked.embedding.layer, embedding.layer),
                ("embedding.tokens", asked.embedding.tokens, embedding.tokens),
            )
            if given != trained
        ]
        if differing:
            raise InputError(differing)
        return asked.model_copy(update={"revision": self.revision, "embedding": embedding})

    def require_read_length(self, read_length: int) -> None:
        """Refuse reads of another length than the training's."""
        if read_length != self.read_length:
            raise InputError(
                f"data.read_length is {read_length}, the head was trained on reads of "
                f"{self.read_length} bases: set read_length: {self.read_length}"
            )
