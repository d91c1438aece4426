"""Whether a head is what its configuration says, before anything is embedded for it."""

from collections.abc import Iterator
from dataclasses import astuple

import numpy as np

from evoflow.errors import InputError
from evoflow.train.head import Head
from evoflow.train.head_config import HeadConfig

SHOWN = 5


def require_sound(head: Head, source: str) -> None:
    """Refuse a head of impossible sizes, of other tensors than its sizes need, or with NaN.

    Parameters
    ----------
    head
        From a folder or from a run, perhaps of another version of evoflow.
    source
        Where it comes from, for messages.

    Raises
    ------
    InputError
        Naming what does not fit.
    """
    try:
        problems = [*_impossible(head.config), *_uncalibrated(head)] or list(_misfits(head))
    except (AttributeError, TypeError) as error:  # unpickled from what another version wrote
        problems = [str(error)]
    if problems:
        more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
        raise InputError(
            f"{source}: is not a head that this version of evoflow can use "
            f"({'; '.join(problems[:SHOWN] + more)}); train and export it again"
        )


def _impossible(config: HeadConfig) -> Iterator[str]:
    """Say which sizes no head can have."""
    for name in ("width", "channels", "kernel_size", "layers"):
        size = getattr(config, name)
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            yield f"{name} is {size!r}, not a whole number of at least 1"
        elif name == "kernel_size" and size % 2 == 0:
            yield f"kernel_size is {size}, which is even"
    if not isinstance(config.dropout, int | float) or not 0 <= config.dropout < 1:
        yield f"dropout is {config.dropout!r}, not in 0 to 1"
    levels = config.levels
    rising = len(levels) > 1 and np.isfinite(levels).all() and bool((np.diff(levels) > 0).all())
    if not rising:
        yield f"levels are {levels!r}, not two or more rising numbers"


def _uncalibrated(head: Head) -> Iterator[str]:
    """Say what keeps the calibration from being a rising line."""
    predicted, found = (np.asarray(one, float) for one in astuple(head.calibration))
    if predicted.shape != found.shape or not np.isfinite([*predicted, *found]).all():
        yield "its calibration is not as many finite predictions as scores"
    elif (np.diff(predicted) < 0).any() or (np.diff(found) < 0).any():
        yield "its calibration does not rise"


def _misfits(head: Head) -> Iterator[str]:
    """Compare the tensors with those of a network of that shape, made without memory."""
    import torch

    from evoflow.train.network import ConvolutionalHead

    if head.config.layers > len(head.weights):
        yield f"layers is {head.config.layers}, but there are {len(head.weights)} tensors"
        return
    try:
        with torch.device("meta"):
            expected = ConvolutionalHead(head.config).state_dict()
    except (RuntimeError, ValueError, OverflowError) as error:
        yield f"no network has such sizes: {error}"
        return
    yield from (f"lacks {name}" for name in expected if name not in head.weights)
    yield from (f"has {name}, which a head does not" for name in head.weights.keys() - expected)
    for name in expected:
        found = head.weights.get(name)
        if found is None:
            continue
        shape = tuple(expected[name].shape)
        if found.shape != shape:
            yield f"{name} has shape {found.shape} where its config makes it {shape}"
        elif found.dtype.kind != "f" or not np.isfinite(found).all():
            yield f"{name} has values that are not finite numbers"
