"""All of the step `train`: the head, the baselines beside it, and what the test split says."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from evoflow.progress import Phases, silent
from evoflow.settings import HeadSettings
from evoflow.train import baselines
from evoflow.train.comparison import compare
from evoflow.train.fit import Epoch, Fit, fit
from evoflow.train.headline import Headline, headline
from evoflow.train.metrics import Evaluation, evaluate
from evoflow.train.pairs import Embeddings, Pairs, join_shards

HEAD = "head"


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
    """

    fit: Fit
    predictions: pd.DataFrame
    evaluation: Evaluation
    comparisons: pd.DataFrame
    headline: Headline


def learn(
    examples: pd.DataFrame,
    rows: pd.DataFrame,
    sequences: pd.DataFrame,
    *,
    shards: Iterable[Embeddings],
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
    shards
        Embeddings of the sequences, shape=(n, tokens, width) each, in order; each is read once.
    log_likelihood
        Mean log-likelihood of every sequence, shape=(sequences,).
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
    memory = int(settings.memory * 2**30)
    embeddings = join_shards(shards, len(sequences), memory=memory)
    score = examples["impact_score"].iloc[rows["example"].to_numpy()].set_axis(rows.index)

    def pairs(side: str) -> Pairs:
        chosen = rows["split"] == side
        return Pairs.of(embeddings, rows[chosen], score[chosen])

    training, validation, test = (pairs(side) for side in ("train", "validation", "test"))

    def fitted(
        what: str, known: Pairs, checked: Pairs, each: Callable[[Epoch], None] | None = None
    ) -> Fit:
        with phases(f"training {what}", "epochs") as advance:

            def ended(epoch: Epoch) -> None:
                advance(epoch.epoch, settings.epochs)
                if each is not None:
                    each(epoch)

            return fit(known, checked, settings, seed=seed, device=device, on_epoch=ended)

    trained = fitted("the head", training, validation, on_epoch)
    letters = baselines.one_hot(sequences, embeddings.shape[1])
    spelled = [replace(side, embeddings=letters) for side in (training, validation, test)]
    plain = fitted("the one-hot CNN", spelled[0], spelled[1])
    with phases("fitting the other baselines", "baselines"):
        ridge = baselines.kmer_ridge(sequences["sequence"], training, validation, test)
        ratio = baselines.likelihood_ratio(log_likelihood, training, test)
    models = {
        HEAD: trained.head.predict(embeddings, test.read, test.window, device=device),
        "training_mean": baselines.training_mean(training, test),
        "kmer_ridge": ridge,
        "one_hot_cnn": plain.head.predict(letters, test.read, test.window, device=device),
        "log_likelihood_ratio": ratio,
    }
    numbers = rows.loc[rows["split"] == "test", "example"].to_numpy()
    predictions = examples.iloc[numbers].assign(**models)
    with phases("evaluating on the test split", "metrics"):
        evaluation = evaluate(predictions, list(models))
    comparisons = compare(evaluation, HEAD, [name for name in models if name != HEAD])
    return Learning(
        trained, predictions, evaluation, comparisons, headline(evaluation, comparisons, HEAD)
    )
