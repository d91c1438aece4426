"""All of the step `train`: the head, the baselines beside it, and what the test split says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from evoflow.devices.choice import choose_device
from evoflow.labels.target import IMPACT, Target
from evoflow.progress import Phases, silent
from evoflow.settings import HeadSettings, UserColumn
from evoflow.settings.layer_names import Layer
from evoflow.train.baselines import simple
from evoflow.train.baselines.cnn import one_hot_cnn
from evoflow.train.baselines.scores import (
    LIKELIHOOD,
    simple_baselines,
    user_baselines,
    why_no_likelihoods,
)
from evoflow.train.baselines.simple import Floats
from evoflow.train.beside import beside
from evoflow.train.evaluation.comparison import compare
from evoflow.train.evaluation.headline import Headline, headline
from evoflow.train.evaluation.metrics import Evaluation, evaluate
from evoflow.train.fit import Epoch, Fit, fit
from evoflow.train.folds import Fold, folds_of
from evoflow.train.layers import LayerHead, Load, choose, side_by_side
from evoflow.train.pairs import Embeddings, Pairs
from evoflow.train.prediction import place

HEAD = "head"
CNN = "one_hot_cnn"


@dataclass(frozen=True)
class Learning:
    """What `train` leaves.

    Attributes
    ----------
    fit
        The head that is kept, and its history.
    predictions
        Test rows of the table of examples, with one column of predicted scores for each model:
        `head` and the baselines. In a cross-validation that is every example, predicted
        by the models that did not learn from it.
    evaluation
        Metrics of every model on every subset.
    comparisons
        The head beside each baseline, in numbers and words.
    headline
        The one result that stands for the run.
    layer
        The layer that the head reads: of several, the one that ranks the carried alleles of the
        validation rows best.
    layers
        The heads of several layers side by side (see `side_by_side`); None for one layer.
    left_out
        Baselines that could not be computed, each with the reason.
    """

    fit: Fit
    predictions: pd.DataFrame
    evaluation: Evaluation
    comparisons: pd.DataFrame
    headline: Headline
    layer: Layer
    layers: pd.DataFrame | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Trainer:
    """How every network of a run is trained, and where progress is shown."""

    settings: HeadSettings
    seed: int
    device: str
    phases: Phases

    def fit(
        self,
        training: Pairs,
        validation: Pairs,
        *,
        levels: tuple[float, ...],
        what: str,
        on_epoch: Callable[[Epoch], None] | None,
    ) -> Fit:
        """Train one head."""
        with self.phases(f"training {what}", "epochs") as advance:

            def ended(epoch: Epoch) -> None:
                if on_epoch is not None:
                    on_epoch(epoch)
                advance(epoch.epoch, self.settings.epochs)

            return fit(
                training,
                validation,
                self.settings,
                seed=self.seed,
                device=self.device,
                levels=levels,
                on_epoch=ended,
            )


def learn(
    examples: pd.DataFrame,
    rows: pd.DataFrame,
    sequences: pd.DataFrame,
    *,
    layers: Mapping[Layer, Load],
    log_likelihood: npt.NDArray[np.floating],
    settings: HeadSettings,
    seed: int,
    target: Target = IMPACT,
    columns: Sequence[UserColumn] = (),
    device: str = "auto",
    on_epoch: Callable[[Epoch], None] | None = None,
    phases: Phases = silent,
) -> Learning:
    """Train the head and the baselines, and evaluate all of them on the test split.

    Parameters
    ----------
    examples
        The table of examples with `label` and `block`.
    rows, sequences
        As `augment` gives them.
    layers
        Each layer that was stored, and what loads the embeddings of all sequences.
    log_likelihood
        Mean log-likelihood of every sequence, shape=(sequences,); NaN where the layers ask for
        too few blocks of the model to have it.
    settings
        Of the head.
    seed
        Of the training.
    target
        What the label is.
    columns
        Users' columns in the table of examples, which become baselines.
    device
        `auto`: the first GPU, else the CPU; or a torch device.
    on_epoch
        Called after every epoch of the head that is kept.
    phases
        Shows how far the heads, the baselines and the evaluation have come.
    """
    folds = folds_of(examples, rows)
    tested = [fold for fold in folds if fold.is_tested]
    trainer = Trainer(settings, seed, device, phases)
    levels = [fold.levels(target) for fold in folds]
    heads: list[LayerHead] = []
    missing = why_no_likelihoods(log_likelihood, list(layers))
    with beside(choose_device(device)) as later:
        given = None if missing else log_likelihood
        looked_up = [
            later(simple_baselines, fold, given, seed=seed, target=target) for fold in tested
        ]
        spelled: list[Callable[[], Floats]] = []
        for layer, load in layers.items():
            embeddings = load()
            if not spelled:
                letters = simple.one_hot(sequences, embeddings.shape[1])
                spelled = [
                    later(
                        one_hot_cnn,
                        *(fold, letters, settings),
                        seed=seed,
                        device=device,
                        levels=of_fold,
                    )
                    for fold, of_fold in zip(folds, levels, strict=True)
                    if fold.is_tested
                ]
            named = "the head" if len(layers) == 1 else f"the head on layer {layer}"
            fitted = _fit_layer(embeddings, folds, levels, trainer, named=named, on_epoch=on_epoch)
            heads.append(LayerHead(layer, *fitted))
            del embeddings  # before the next layer's are loaded
        with phases("fitting the baselines", "baselines"):
            models = [result() for result in looked_up]
        with phases("training the one-hot CNN", "trainings") as advance:
            for number, result in enumerate(spelled):
                models[number] |= {CNN: result(), **user_baselines(tested[number], columns)}
                advance(number + 1, len(spelled))
    chosen = choose(heads)
    test_rows = pd.concat([fold.own_reads("test") for fold in tested])
    predicted = {name: np.concatenate([found[name] for found in models]) for name in models[0]}
    predictions = test_rows.assign(**{HEAD: chosen.predicted}, **predicted)
    with phases("evaluating on the test split", "metrics"):
        evaluation = evaluate(predictions, [HEAD, *predicted], target, columns)
    comparisons = compare(evaluation, HEAD, list(predicted), target, columns)
    return Learning(
        chosen.fit,
        predictions,
        evaluation,
        comparisons,
        headline(evaluation, comparisons, HEAD, target),
        chosen.layer,
        side_by_side(heads, chosen, test_rows, target) if len(heads) > 1 else None,
        {} if missing is None else {LIKELIHOOD: missing},
    )


def _fit_layer(
    embeddings: Embeddings,
    folds: Sequence[Fold],
    levels: Sequence[tuple[float, ...]],
    trainer: Trainer,
    *,
    named: str,
    on_epoch: Callable[[Epoch], None] | None,
) -> tuple[Fit, tuple[float, ...], Floats]:
    """Train the head of every fold: the last one, the validation's ranks, the test predictions."""
    placed = place(embeddings, choose_device(trainer.device))
    fits, predicted = [], []
    for number, fold in enumerate(folds, start=1):
        kept = number == len(folds)
        training, validation, test = (fold.pairs(placed, side) for side in fold.sides)
        fitted = trainer.fit(
            training,
            validation,
            levels=levels[number - 1],
            what=named if kept else f"{named}, fold {number} of {len(folds) - 1}",
            on_epoch=on_epoch if kept else None,
        )
        fits.append(fitted)
        if fold.is_tested:
            predicted.append(fitted.head.predict(test, device=trainer.device))
    ranks = tuple(fitted.validation_spearman for fitted in fits[: len(predicted)])
    return fits[-1], ranks, np.concatenate(predicted)
