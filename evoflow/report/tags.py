"""Tags by which runs are found in Metaflow's UI and client."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaflow.exception import MetaflowException

from evoflow.settings import Settings

if TYPE_CHECKING:
    from evoflow.train.evaluation.headline import Headline


def settings_tags(settings: Settings) -> list[str]:
    """Say what a run learns from: `model:evo-1-8k-base`, and `individuals:3` or `demo`.

    A target other than the impact is a tag too, such as `target:pathogenicity`.
    """
    data = settings.data
    source = "demo" if data.demo is not None else f"individuals:{len(data.individuals)}"
    kind = settings.model.target.kind
    target = [] if kind == "impact" else [f"target:{kind}"]
    return [f"model:{Path(settings.model.checkpoint).name}", source, *target]


def result_tags(headline: "Headline") -> list[str]:
    """Say how well the head ranks carried alleles, and the best baseline.

    Such as `spearman:0.41` and `best-baseline:allele_type:0.38`; nothing where the head has no
    value.
    """
    if headline.missing:
        return []
    value = f"{headline.metric.partition('_')[0]}:{headline.head.value:.2f}"
    if not headline.baseline:
        return [value]
    baseline = headline.baseline.replace(" ", "_")
    return [value, f"best-baseline:{baseline}:{headline.best}".split(" ")[0]]


def add_tags(current: Any, tags: list[str]) -> None:
    """Tag the run of a task; where its metadata is out of reach, say so and go on."""
    try:
        current.run.add_tags(tags)
    except MetaflowException as error:
        print(f"the run keeps no tags ({', '.join(tags)}): {error}")
