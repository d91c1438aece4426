"""The one-hot CNN: what the head learns from the letters alone.

A process of its own trains it, so nothing is imported here that this does not need.
"""

from evoflow.settings import HeadSettings
from evoflow.train.calibration import Floats
from evoflow.train.fit import fit
from evoflow.train.folds import Fold
from evoflow.train.pairs import Embeddings


def one_hot_cnn(
    fold: Fold,
    letters: Embeddings,
    settings: HeadSettings,
    *,
    seed: int,
    device: str,
    levels: tuple[float, ...],
) -> Floats:
    """Train the head on letters in place of embeddings, and predict the test examples.

    The forward strand is enough: the letters of the other one say the same.
    """
    training, validation, test = (fold.pairs(letters, side).forward_strand() for side in fold.sides)
    fitted = fit(training, validation, settings, seed=seed, device=device, levels=levels)
    return fitted.head.predict(test, device=device)
