"""Safetensors files written piece by piece, so that results need not fit into memory."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evoflow.errors import InputError

_NAMES = {"float16": "F16", "float32": "F32", "int64": "I64"}


@contextmanager
def new_tensors(
    path: Path,
    tensors: Mapping[str, tuple[str, tuple[int, ...]]],
    metadata: Mapping[str, str],
) -> Iterator[dict[str, NDArray[np.generic]]]:
    """Create a safetensors file whose tensors are filled in place.

    The file appears under its name when it is whole; after an error there is none.

    Parameters
    ----------
    path
        The file.
    tensors
        Data type (`float16`, `float32` or `int64`) and shape of each.
    metadata
        What the header says besides.

    Yields
    ------
    dict of NDArray
        The tensors, on disk.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    starts: dict[str, int] = {}
    end = 0
    for name, (dtype, shape) in tensors.items():
        starts[name] = end
        end += prod(shape) * np.dtype(dtype).itemsize
        header[name] = {
            "dtype": _NAMES[dtype], "shape": shape, "data_offsets": [starts[name], end]
        }  # fmt: skip
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # tensors start at a multiple of 8 bytes
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            os.posix_fallocate(file.fileno(), 0, 8 + len(text) + end)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error
    try:
        yield {
            name: np.memmap(partial, dtype, "r+", offset=8 + len(text) + starts[name], shape=shape)
            if prod(shape)
            else np.zeros(shape, dtype)
            for name, (dtype, shape) in tensors.items()
        }
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
