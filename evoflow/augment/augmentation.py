"""All of the step `augment`: a split or folds, balanced training rows, unique sequences."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from evoflow.augment.balance import balance
from evoflow.augment.sequences import held_out, unique_sequences
from evoflow.augment.split import assign_folds, assign_splits, split_of_fold
from evoflow.errors import InputError
from evoflow.extract.contexts import Contexts
from evoflow.labels.target import LABEL, target_of
from evoflow.settings import ModelSettings


@dataclass(frozen=True)
class Augmentation:
    """What the head is trained and tested on.

    Attributes
    ----------
    examples
        The table of examples with `split` and `block`; in a cross-validation `split` names the
        fold.
    training_rows
        Of the head that is kept, as `balance` gives them.
    sequences
        What must be embedded, as `unique_sequences` lists it.
    rows
        Rows of every training: columns of `training_rows`, `split` (`train`, `validation`,
        `test`), `fold` and the row numbers in `sequences`. The head of the last fold is the one
        that is kept; in a cross-validation it has no test rows.
    """

    examples: pd.DataFrame
    training_rows: pd.DataFrame
    sequences: pd.DataFrame
    rows: pd.DataFrame


def augment(
    examples: pd.DataFrame,
    model: ModelSettings,
    *,
    read_length: int,
    seed: int,
    contexts: Contexts | None = None,
) -> Augmentation:
    """Split without leaks, balance the training labels, list what must be embedded.

    Parameters
    ----------
    examples
        The table of examples.
    model
        How to split and balance, and which tokens and strands are embedded.
    read_length
        Bases of an example.
    seed
        Of every choice.
    contexts
        The reference around the reads, where the model sees it. Those of two sides share no base:
        examples of several sides are kept as far apart as a context is long.

    Raises
    ------
    InputError
        When the examples cannot be split, or the user's column has a single label in a training.
    """
    assign = assign_folds if model.split.is_crossed else assign_splits
    # A read reaches as far as it is long, to either side; a context half as far.
    reach = read_length if contexts is None else max(read_length, (contexts.length + 1) // 2)
    examples = assign(examples, model.split, read_length=reach, seed=seed)
    parts = []
    for fold, split in enumerate(_splits(examples, reach)):
        if target_of(model.target).levels is None:
            _check_labels(split)
        training = balance(split, model.balance, seed=seed)
        parts.append(
            pd.concat([training.assign(split="train"), held_out(split)], ignore_index=True).assign(
                fold=fold
            )
        )
    rows = pd.concat(parts, ignore_index=True)
    sequences, rows = unique_sequences(examples, rows, model.embedding, contexts)
    return Augmentation(examples, training, sequences, rows)


def _check_labels(split: pd.DataFrame) -> None:
    """Refuse a single label, from which the levels of a user's column cannot be told."""
    labels = split.loc[split["split"] == "train", LABEL]
    if (labels == labels.iloc[0]).all():
        raise InputError(
            f"all {len(labels):,} training examples have the score {labels.iloc[0]:g}, so a head"
            " learns nothing from them: give more regions or individuals, or lower"
            " model.split.folds"
        )


def _splits(examples: pd.DataFrame, read_length: int) -> Iterator[pd.DataFrame]:
    """Yield the examples with the `split` of every training, that of the kept head last."""
    if "fold" not in examples:
        yield examples
        return
    folds = int(examples["fold"].max()) + 1
    for test in range(folds):
        yield split_of_fold(examples, test, (test + 1) % folds, read_length=read_length)
    yield split_of_fold(examples, None, 0, read_length=read_length)
