"""What a head learns, and by which figures it is judged."""

from dataclasses import dataclass

from evoflow.impact import LEVELS
from evoflow.settings import TargetSettings

LABEL = "label"
"""The column of the table of examples that a head learns."""


@dataclass(frozen=True)
class Target:
    """What a head learns.

    Attributes
    ----------
    kind
        `impact`, `pathogenicity` or `column`.
    name
        What the label is called: the kind, or the name of the user's column.
    levels
        The ordered values that the label takes; None where those of the training rows decide.
    metrics
        Names of the metrics (`train.evaluation.metrics.METRICS`) that make sense for it.
    headline
        The metric that stands for a run.
    compared
        The metrics by which the head is compared with every baseline, the headline's first.
    """

    kind: str
    name: str
    levels: tuple[float, ...] | None
    metrics: tuple[str, ...]
    headline: str
    compared: tuple[str, ...]

    @property
    def score(self) -> str:
        """What a score says, in words."""
        return {
            "impact": "impact, 0 (none) to 10 (high)",
            "pathogenicity": "probability that the allele is pathogenic, 0 to 1",
        }.get(self.kind, self.name)

    @property
    def ends(self) -> tuple[float, float] | None:
        """The lowest and the highest score; None where those of the training rows decide."""
        return None if self.levels is None else (self.levels[0], self.levels[-1])


IMPACT = Target(
    "impact",
    "impact",
    LEVELS,
    (
        "rmse", "mae", "macro_mae", "spearman", "pearson",
        "auroc_high", "auprc_high", "auroc_pathogenic", "auprc_pathogenic",
    ),
    "spearman",
    ("spearman", "rmse"),
)  # fmt: skip
"""The class of an allele's consequence."""

PATHOGENICITY = Target(
    "pathogenicity",
    "pathogenicity",
    (0.0, 1.0),
    ("auroc_pathogenic", "auprc_pathogenic", "rmse"),
    "auroc_pathogenic",
    ("auroc_pathogenic",),
)
"""ClinVar's classification: 1 is pathogenic."""


def column(name: str) -> Target:
    """Make the target of a user's column."""
    metrics = ("spearman", "pearson", "rmse", "mae")
    return Target("column", name, None, metrics, "spearman", ("spearman", "rmse"))


def named(kind: str, name: str) -> Target:
    """Find a target by its kind and name.

    Raises
    ------
    ValueError
        When there is no such kind.
    """
    if kind == "column":
        return column(name)
    try:
        return {"impact": IMPACT, "pathogenicity": PATHOGENICITY}[kind]
    except KeyError:
        raise ValueError(f"no target is called {kind!r}") from None


def target_of(settings: TargetSettings) -> Target:
    """Tell which target the settings ask for."""
    return named(settings.kind, settings.column.name if settings.column else settings.kind)
