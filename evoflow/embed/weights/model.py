"""The model that the settings name: found, checked against the memory, and loaded."""

import logging
import re
from dataclasses import dataclass
from pathlib import Path

import torch

from evoflow.devices.memory import MemoryClaim
from evoflow.embed.evo1.sizes import EvoSizes
from evoflow.embed.evo1.tiny import evo_tiny
from evoflow.embed.evo2.checkpoint import find_checkpoint, repository_of
from evoflow.embed.hyena.checkpoint import Checkpoint
from evoflow.embed.hyena.model import Hyena
from evoflow.embed.weights.architectures import model_of, read_config
from evoflow.embed.weights.builtin import TINY, TINY_SIZES, refuse_folder, refuse_revision
from evoflow.embed.weights.memory import require_memory
from evoflow.embed.weights.shared import SETTING, SharedWeights, SharingError, sharing
from evoflow.progress import Phases, silent
from evoflow.settings import ModelSettings

logger = logging.getLogger(__name__)

COMMIT = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True)
class LoadedModel:
    """A model on its device.

    Attributes
    ----------
    model
        The model.
    commit
        Of its checkpoint's repository; None where there is none.
    memory
        What it claims of the machine's memory, on a CPU.
    """

    model: Hyena
    commit: str | None
    memory: MemoryClaim | None


def load_model(
    settings: ModelSettings,
    device: torch.device,
    dtype: torch.dtype,
    *,
    shared: str | None = None,
    phases: Phases = silent,
) -> LoadedModel:
    """Load the model that the settings name.

    Parameters
    ----------
    settings
        Checkpoint, revision, and the tokens that must fit beside the weights.
    device, dtype
        Where it goes, and in which type.
    shared
        Folder or S3 prefix from which checkpoints of the hub are read once one task has put them
        there; where that fails they come from the hub, with a warning, and a damaged copy is
        written again.
    phases
        Where loading is shown.

    Raises
    ------
    InputError
        If the checkpoint is not there or not sound, or the device has too little memory.
    """
    name = settings.checkpoint
    if name == TINY:
        refuse_folder(name)
        refuse_revision(name, settings.revision)
        sizes = EvoSizes(**TINY_SIZES)
        claim = require_memory(sizes, dtype, device, settings.tokens_per_batch, name)
        return LoadedModel(evo_tiny(dtype, device), None, claim)
    store = _store(settings, shared)
    described = describe(settings, store)
    config, commit = read_config(described), described.commit
    claim = require_memory(config, dtype, device, settings.tokens_per_batch, name)

    def load(checkpoint: Checkpoint) -> LoadedModel:
        with phases(f"loading {Path(name).name}", "MB") as advance:
            model = model_of(config).load(
                checkpoint,
                config,
                dtype=dtype,
                device=device,
                progress=lambda done, total: advance(-(-done // 10**6), -(-total // 10**6)),
            )
        return LoadedModel(model, commit, claim)

    def fetch() -> Checkpoint:
        return find_checkpoint(name, commit or settings.revision)

    repository = repository_of(name)
    if store is not None and commit is not None and repository is not None:
        try:
            checkpoint = store.provide(repository, commit, fetch)
            if not checkpoint.elsewhere:
                return load(checkpoint)
            with sharing():
                return load(checkpoint)
        except SharingError as error:
            logger.warning("%s: %s; the weights come from the hub", SETTING, error)
            checkpoint = fetch()
            loaded = load(checkpoint)
            store.repair(repository, commit, checkpoint, error)
            return loaded
    return load(fetch())


def _store(settings: ModelSettings, shared: str | None) -> SharedWeights | None:
    """Open the shared place where there is one, and a checkpoint of the hub is wanted."""
    if shared is None or repository_of(settings.checkpoint) is None:
        return None
    try:
        return SharedWeights(shared)
    except SharingError as error:
        logger.warning("%s; the weights come from the hub", error)
        return None


def describe(settings: ModelSettings, store: SharedWeights | None) -> Checkpoint:
    """Find a checkpoint's `config.json`: in the shared place, which asks no hub, or on the hub.

    In the shared place it is found where the revision is a commit.

    Raises
    ------
    InputError
        If there is no such checkpoint, or the hub does not answer.
    """
    name, revision = settings.checkpoint, settings.revision
    repository = repository_of(name)
    if store and repository and revision and COMMIT.fullmatch(revision):
        try:
            found = store.find(repository, revision)
        except SharingError as error:
            logger.debug("%s: %s", SETTING, error)  # said when the weights are read
        else:
            if found is not None:
                return found
    return find_checkpoint(name, revision, files=["config.json"])
