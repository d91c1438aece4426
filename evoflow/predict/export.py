"""The head of a run as a folder in Hugging Face's form, and heads by their name."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evoflow.errors import InputError
from evoflow.files.atomic import filled_folder
from evoflow.files.home import expand_home
from evoflow.labels.target import target_of
from evoflow.predict.model_card import model_card
from evoflow.predict.soundness import require_sound
from evoflow.predict.trained import CONFIG, TrainedHead
from evoflow.runs import artifact, find_run


def find_head(name: str) -> TrainedHead:
    """Find a head by the name of its run, or by the folder that `export_run` wrote.

    Raises
    ------
    InputError
        When neither is there.
    """
    folder = expand_home(name)
    if (folder / CONFIG).exists():
        return TrainedHead.load(folder)
    if folder.is_dir():
        raise InputError(f"{name}: has no {CONFIG}; give a folder that `evoflow export` wrote")
    try:
        run = find_run(name)
    except InputError as error:
        raise InputError(
            f"{name}: is neither a folder that `evoflow export` wrote nor a run: {error}"
        ) from error
    return head_of(run)


def head_of(run: Any) -> TrainedHead:
    """Take the head of a run with what it was trained on."""
    settings = artifact(run, "start", "settings")
    provenance = artifact(run, "train", "provenance")
    head = artifact(run, "train", "head")
    require_sound(head, run.pathspec)
    try:
        return TrainedHead(
            head,
            settings.model.checkpoint,
            provenance["revision"],
            settings.model.embedding.of(provenance["layer"]),
            settings.data.read_length,
            provenance.get("weights"),
            target_of(settings.model.target),
            settings.data.context,
            provenance.get("dtype"),
        )
    except (AttributeError, KeyError) as error:  # settings that an earlier version pickled
        raise InputError(
            f"{run.pathspec}: its settings were written by another version of evoflow ({error}): "
            "run the flow again, or use that version"
        ) from error


def export_run(name: str, folder: Path) -> None:
    """Write the head of a run, its metrics and its model card.

    Parameters
    ----------
    name
        A run, as `find_run` takes it.
    folder
        Made where it is not there; files of the same names are replaced.

    Raises
    ------
    InputError
        When the run is not there or has not trained.
    """
    run = find_run(name)
    trained = head_of(run)
    metrics = artifact(run, "train", "metrics")
    card = model_card(
        run.pathspec,
        artifact(run, "start", "settings"),
        trained,
        split_counts=artifact(run, "augment", "split_counts"),
        metrics=metrics,
        comparisons=artifact(run, "train", "comparisons"),
        headline=artifact(run, "train", "headline"),
    )
    written = {"metrics": _named(metrics), "undefined": artifact(run, "train", "undefined")}
    text = json.dumps(written, indent=2) + "\n"
    with filled_folder(folder) as made:
        trained.save(made)
        (made / "metrics.json").write_text(text, encoding="utf-8")
        (made / "README.md").write_text(card, encoding="utf-8")


def _named(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Name the parts of every estimate."""
    return {
        subset: {
            model: {
                name: dict(zip(("value", "low", "high", "n"), estimate, strict=True))
                for name, estimate in by_metric.items()
            }
            for model, by_metric in by_model.items()
        }
        for subset, by_model in metrics.items()
    }
