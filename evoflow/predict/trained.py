"""A trained head with all that prediction needs, as a folder that can be passed on."""

import json
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from os.path import expandvars
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from evoflow import __version__
from evoflow.embed.results import Provenance
from evoflow.embed.weights.builtin import SHIPPED
from evoflow.errors import InputError
from evoflow.extract.contexts import Contexts
from evoflow.files.home import expand_home
from evoflow.labels.target import IMPACT, Target, named, target_of
from evoflow.predict.soundness import require_sound
from evoflow.settings import EmbeddingSettings, ModelSettings
from evoflow.settings.layer_names import parse_layer
from evoflow.train.calibration import Calibration
from evoflow.train.head import Head
from evoflow.train.head_config import HeadConfig

logger = logging.getLogger(__name__)

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
FORMAT = 4
"""Raised when configuration or weights change so that other code cannot read them."""

KEYS = {
    "model_type",
    "format",
    "evoflow_version",
    "head",
    "calibration",
    "checkpoint",
    "revision",
    "embedding",
    "read_length",
    "context",
    "weights",
    "target",
    "dtype",
}
"""What `config.json` holds."""


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
    weights
        Name of the model's weights; None for a head that was trained before it was kept.
    target
        What the head predicts.
    context
        Bases of each sequence with the reference around it; None: the sequence alone.
    dtype
        Type in which the model computed; None for a head that was trained before it was kept.
    """

    head: Head
    checkpoint: str
    revision: str | None
    embedding: EmbeddingSettings
    read_length: int
    weights: str | None = None
    target: Target = IMPACT
    context: int | None = None
    dtype: str | None = None

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` and `config.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {name: np.ascontiguousarray(array) for name, array in self.head.weights.items()}
        # `save_file` would leave a file that nobody else may read.
        (folder / WEIGHTS).write_bytes(save(arrays, metadata={"format": "pt"}))
        config = {
            "model_type": "evoflow-head",
            "format": FORMAT,
            "evoflow_version": __version__,
            "head": asdict(self.head.config),
            "calibration": asdict(self.head.calibration),
            "checkpoint": self.checkpoint,
            "revision": self.revision,
            "embedding": self.embedding.model_dump(mode="json"),
            "read_length": self.read_length,
            "context": self.context,
            "weights": self.weights,
            "target": {"kind": self.target.kind, "name": self.target.name},
            "dtype": self.dtype,
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
        path = folder / CONFIG
        try:
            config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if config["format"] != FORMAT:
                raise InputError(
                    f"{path}: its format is {config['format']}, this evoflow reads {FORMAT}: "
                    "train and export it again, or use the evoflow that wrote it "
                    f"({config['evoflow_version']})"
                )
            _refuse_unknown(config)
            trained = cls(
                Head(
                    HeadConfig(**config["head"] | {"levels": tuple(config["head"]["levels"])}),
                    load_file(folder / WEIGHTS),
                    Calibration(*(tuple(config["calibration"][n]) for n in ("predicted", "found"))),
                ),
                config["checkpoint"],
                config["revision"],
                EmbeddingSettings(**config["embedding"]),
                config["read_length"],
                config.get("weights"),
                named(**config.get("target", {"kind": "impact", "name": "impact"})),
                config.get("context"),
                config.get("dtype"),
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
        require_sound(trained.head, str(folder))
        return trained

    def model_settings(self, asked: ModelSettings | None) -> ModelSettings:
        """Make the settings of the model that must embed.

        Parameters
        ----------
        asked
            What the user asks for; only where and how fast it computes may differ from the
            training. What it does not set, or all where it is None, is as in training. A folder
            may hold the checkpoint elsewhere now: `require_model` compares the weights.

        Raises
        ------
        InputError
            With every setting that is given and differs from the head's.
        """
        as_trained = {
            "checkpoint": self.checkpoint, "revision": self.revision, "embedding": self.embedding
        }  # fmt: skip
        if asked is None:
            return ModelSettings(**as_trained)
        if differing := list(self._differing(asked)):
            raise InputError(differing)
        if self._may_have_moved(asked):
            as_trained |= {"checkpoint": asked.checkpoint, "revision": None}
        return asked.model_copy(update=as_trained)

    def _may_have_moved(self, asked: ModelSettings) -> bool:
        """Whether files of this machine are asked for, whose weights will be compared."""
        is_given = "checkpoint" in asked.model_fields_set and self.weights is not None
        return is_given and expand_home(expandvars(asked.checkpoint)).exists()

    def _differing(self, asked: ModelSettings) -> Iterator[str]:
        """Say which settings that are given would embed otherwise than in training."""
        from evoflow.embed.evo2.checkpoint import repository_of
        from evoflow.embed.weights.model import COMMIT

        mine, wish, target = self.embedding, asked.embedding, target_of(asked.target)
        layers = [parse_layer(layer) for layer in wish.stored_layers]
        repositories = {repository_of(name) or name for name in (asked.checkpoint, self.checkpoint)}
        is_commit = bool(COMMIT.fullmatch(asked.revision or ""))  # a branch may have moved since
        has_layer = parse_layer(mine.layer) in layers  # of several, one head was kept
        given = asked.model_fields_set | {f"embedding.{key}" for key in wish.model_fields_set}
        for key, wanted, own, agree in (
            ("checkpoint", asked.checkpoint, self.checkpoint,
             len(repositories) == 1 or self._may_have_moved(asked)),
            ("revision", asked.revision, self.revision, not is_commit),
            ("target", target.name, self.target.name, target == self.target),
            ("embedding.layer", wish.layer, mine.layer, has_layer),
            ("embedding.layers", wish.layers, mine.layer, has_layer),
            ("embedding.tokens", wish.tokens, mine.tokens, False),
            ("embedding.strands", wish.strands, mine.strands, False),
            ("embedding.stored_dtype", wish.stored_dtype, mine.stored_dtype, False),
        ):  # fmt: skip
            if key in given and wanted != own and not agree:
                yield (
                    f"model.{key} is {wanted}, the head was trained with {own}: set it to that, or "
                    "leave it out"
                )

    def require_model(self, provenance: Provenance, width: int) -> None:
        """Refuse a model of other weights than the training's, once it is loaded.

        Parameters
        ----------
        provenance
            What is known of the model.
        width
            Its values per token, of one strand.
        """
        takes = self.head.config.width // (2 if self.embedding.strands == "both" else 1)
        if takes != width:
            raise InputError(
                f"the head takes {takes} values per token, layer "
                f"{self.embedding.layer} of {provenance.checkpoint} gives {width}: use the "
                "checkpoint that the head was trained on"
            )
        if self.dtype not in {None, provenance.dtype}:
            logger.warning(
                "the head was trained on embeddings in %s, these are computed in %s, so scores may "
                "differ a little; set model.dtype: %s where the device has it",
                self.dtype, provenance.dtype, self.dtype,
            )  # fmt: skip
        if self.weights is None or provenance.weights is None:
            logger.warning(
                "cannot check whether these are the weights that the head was trained with"
            )
        elif self.weights != provenance.weights:
            remedy = (
                "they come with evoflow and have changed since then: train a new head"
                if provenance.checkpoint in SHIPPED
                else "put back the checkpoint that the head was trained on, or train a new head"
            )
            raise InputError(
                f"{provenance.checkpoint}: its weights are {provenance.weights}, the head was "
                f"trained with {self.weights}: {remedy}"
            )

    def contexts(self, reads: pd.DataFrame, reference: str) -> Contexts | None:
        """Read the reference around reads, where the head was trained with it.

        Parameters
        ----------
        reads, reference
            As `Contexts.read` takes them.
        """
        return None if self.context is None else Contexts.read(reads, reference, self.context)

    def require_read_length(self, read_length: int) -> None:
        """Refuse reads of another length than the training's."""
        if read_length != self.read_length:
            raise InputError(
                f"data.read_length is {read_length}, the head was trained on reads of "
                f"{self.read_length} bases: set read_length: {self.read_length}; for shorter "
                "reads, train a head with their length"
            )

    def require_context(self, context: int | None) -> None:
        """Refuse another context than the training's; where none is asked for, that counts."""
        if context is not None and context != self.context:
            how, remedy = "without one", "leave context out"
            if self.context is not None:
                how, remedy = f"with {self.context} bases", f"set context: {self.context}"
            raise InputError(f"data.context is {context}, the head was trained {how}: {remedy}")


def _refuse_unknown(config: dict[str, Any]) -> None:
    unknown = sorted(config.keys() - KEYS)
    if unknown:
        raise ValueError(f"{CONFIG} has unknown keys: {', '.join(unknown)}")
