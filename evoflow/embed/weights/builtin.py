"""Models that are part of evoflow: their names, where they are, and their sizes; without torch."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from evoflow.embed.evo1.sizes import EvoSizes
from evoflow.errors import InputError

TINY = "evo-tiny"
"""A stand-in with random weights, which is made on the spot; see `evoflow.embed.evo1.tiny`."""

TINY_SIZES: dict[str, Any] = {
    "hidden_size": 128,
    "num_layers": 4,
    "attn_layer_idxs": [1],
    "num_attention_heads": 4,
    "max_seqlen": 8192,
}
"""Four blocks, the second of attention."""

SHIPPED = {"evo-demo": ("evoflow.demo", "evo_demo")}
"""Checkpoints that are part of this package: the package and the folder in it."""


def shipped_folder(name: str) -> Path:
    """Find the folder of a shipped checkpoint."""
    package, folder = SHIPPED[name]
    return Path(str(files(package) / folder))


def builtin_config(name: str) -> EvoSizes | None:
    """Read the configuration of a model that is part of evoflow; None for every other name."""
    if name == TINY:
        return EvoSizes(**TINY_SIZES)
    if name not in SHIPPED:
        return None
    return EvoSizes.from_dict(json.loads((shipped_folder(name) / "config.json").read_text("utf-8")))


def refuse_revision(name: str, revision: str | None) -> None:
    """Refuse a revision of a model that is part of evoflow."""
    if revision is not None:
        made = "is made on the spot" if name == TINY else "comes with evoflow"
        raise InputError(f"model.revision: {name} {made} and has none; remove it")


def refuse_folder(name: str) -> None:
    """Refuse the name of a shipped or published checkpoint that is a folder here too."""
    folder = Path(name)
    if folder.is_dir():
        raise InputError(
            f"model.checkpoint: {name} is a known checkpoint and also the folder "
            f"{folder.absolute()}; write ./{name} for the folder, or rename it"
        )
