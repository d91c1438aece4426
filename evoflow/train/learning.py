"""All of the step `train`: the head, the baselines beside it, and what the test split says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from evoflow.layers import Layer
from evoflow.progress import Phases, silent
from evoflow.settings import HeadSettings
from evoflow.train import baselines
from evoflow.train.comparison import compare
from evoflow.train.fit import Epoch, Fit, fit
from evoflow.train.headline import Headline, headline
from evoflow.train.layers import Load, choose, fit_layers, side_by_side
from evoflow.train.metrics import Evaluation, evaluate
from evoflow.train.pairs import Embeddings, Pairs

HEAD = "head"
LIKELIHOOD = "log_likelihood_ratio"


@dataclass(frozen=True)
class Learning:
    """What `train` leaves.

    Attributes
    ----------
    fit
        The head and its history.
    predictions
        Test rows of the table of examples, with one column of predicted scores (0..10) for each
        model: `head` and the baselines.
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


def learn(
    examples: pd.DataFrame,
    rows: pd.DataFrame,
    sequences: pd.DataFrame,
    *,
    layers: Mapping[Layer, Load],
    log_likelihood: npt.NDArray[np.floating],
    settings: HeadSettings,
    seed: int,
    device: str = "auto",
    on_epoch: Callable[[Epoch], None] | None = None,
    phases: Phases = silent,
) -> Learning:
    """Train the head and the baselines, and evaluate all of them on the test split.

    Parameters
    ----------
    examples
        The table of examples with `split` and `block`.
    rows, sequences
        As `augment.sequences.unique_sequences` gives them.
    layers
        Each layer that was stored, and what loads the embeddings of all sequences.
    log_likelihood
        Mean log-likelihood of every sequence, shape=(sequences,); NaN where the layers ask for
        too few blocks of the model to have it.
    settings
        Of the head.
    seed
        Of the training.
    device
        `auto`: the first GPU, else the CPU; or a torch device.
    on_epoch
        Called after every epoch of the head.
    phases
        Shows how far the head, the baselines and the evaluation have come.
    """
    score = examples["impact_score"].iloc[rows["example"].to_numpy()].set_axis(rows.index)

    def pairs(embeddings: Embeddings, side: str) -> Pairs:
        chosen = rows["split"] == side
        return Pairs.of(embeddings, rows[chosen], score[chosen])

    def fitted(
        what: str, known: Pairs, checked: Pairs, each: Callable[[Epoch], None] | None = None
    ) -> Fit:
        with phases(f"training {what}", "epochs") as advance:

            def ended(epoch: Epoch) -> None:
                advance(epoch.epoch, settings.epochs)
                if each is not None:
                    each(epoch)

            return fit(known, checked, settings, seed=seed, device=device, on_epoch=ended)

    heads = fit_layers(layers, pairs, partial(fitted, each=on_epoch), device)
    chosen = choose(heads)
    letters = baselines.one_hot(sequences, chosen.tokens)
    training, validation, test = (pairs(letters, side) for side in ("train", "validation", "test"))
    plain = fitted("the one-hot CNN", training, validation)
    with phases("fitting the other baselines", "baselines"):
        ridge = baselines.kmer_ridge(sequences["sequence"], training, validation, test)
        models = {
            HEAD: chosen.predicted,
            "training_mean": baselines.training_mean(training, test),
            "kmer_ridge": ridge,
            "one_hot_cnn": plain.head.predict(letters, test.read, test.window, device=device),
        }
        left_out = {}
        if np.isfinite(log_likelihood).all():
            models[LIKELIHOOD] = baselines.likelihood_ratio(log_likelihood, training, test)
        else:
            left_out[LIKELIHOOD] = (
                f"layer {', '.join(map(str, layers))} needs only some of the model's blocks, and "
                "only all of them give the likelihood of a read"
            )
    numbers = rows.loc[rows["split"] == "test", "example"].to_numpy()
    predictions = examples.iloc[numbers].assign(**models)
    with phases("evaluating on the test split", "metrics"):
        evaluation = evaluate(predictions, list(models))
    comparisons = compare(evaluation, HEAD, [name for name in models if name != HEAD])
    return Learning(
        chosen.fit,
        predictions,
        evaluation,
        comparisons,
        headline(evaluation, comparisons, HEAD),
        chosen.layer,
        side_by_side(heads, chosen, examples.iloc[numbers]) if len(heads) > 1 else None,
        left_out,
    )
