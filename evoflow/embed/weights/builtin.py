"""Models that are part of evoflow: their names, where they are, and their sizes; without torch."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

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


def builtin_sizes(name: str) -> dict[str, Any] | None:
    """Read the configuration of a model that is part of evoflow; None for every other name."""
    if name == TINY:
        return TINY_SIZES
    if name not in SHIPPED:
        return None
    sizes: dict[str, Any] = json.loads((shipped_folder(name) / "config.json").read_text("utf-8"))
    return sizes
