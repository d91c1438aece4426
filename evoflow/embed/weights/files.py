"""Files of weights, wherever they lie, and the tensors that a safetensors file holds."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from evoflow.embed.objects.protocol import fill
from evoflow.errors import InputError

ITEM_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
"""Types that weights may have, as safetensors names them, and the bytes of one value.

Those of quantised checkpoints (I8, U8, F8_E4M3, ...) are numbers only with their scales.
"""

POINTER = b"version https://git-lfs"
_LENGTH = 8
_LONGEST_HEADER = 100_000_000
_LONGEST_POINTER = 1024


class WeightFile(Protocol):
    """A file of which parts are read into memory that already exists."""

    @property
    def label(self) -> str:
        """Path or URL, for messages."""

    @property
    def size(self) -> int:
        """Bytes of the file."""

    @property
    def readers(self) -> int:
        """How many parts are best read at once."""

    def read_into(self, start: int, buffers: Sequence[memoryview]) -> None:
        """Fill the buffers, one after the other, with the bytes from `start` on.

        Raises
        ------
        InputError
            When the file does not give them.
        """


@dataclass(frozen=True)
class LocalFile:
    """A file of this machine."""

    path: Path
    readers: int = 8

    @property
    def label(self) -> str:
        """See `WeightFile`."""
        return str(self.path)

    @property
    def size(self) -> int:
        """See `WeightFile`."""
        return self.path.stat().st_size

    def read_into(self, start: int, buffers: Sequence[memoryview]) -> None:
        """See `WeightFile`."""
        try:
            with self.path.open("rb", buffering=0) as file:
                file.seek(start)
                for buffer in buffers:
                    fill(file.readinto, buffer)
        except EOFError as error:
            raise InputError(f"{self.path}: ends too early; fetch it again") from error
        except OSError as error:
            raise InputError(
                f"{self.path}: cannot be read ({error.strerror}); check the file and its disk"
            ) from error


@dataclass(frozen=True)
class StoredTensor:
    """Where a tensor lies.

    Attributes
    ----------
    name
        As the file names it.
    dtype
        As safetensors names types; a key of `ITEM_BYTES`.
    shape
        Its dimensions.
    file
        The file that holds it.
    start, stop
        Its bytes in the file, half-open.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    file: WeightFile
    start: int
    stop: int


def tensors_of(file: WeightFile) -> list[StoredTensor]:
    """Read the header of a safetensors file.

    Returns
    -------
    list
        In the order of their bytes.

    Raises
    ------
    InputError
        When the file is cut short, a pointer of git-lfs, or no safetensors file; or a tensor is
        of a type that weights may not have.

    Notes
    -----
    The format is https://huggingface.co/docs/safetensors: 8 bytes with the length of the header
    (little-endian), the header in JSON, then the values, without gaps. The library of that name
    reads from local files only, and through a memory map, which is slower than to read.
    """
    refuse_pointer(file)
    try:
        tensors = _parsed(file)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{file.label}: is not a valid safetensors file ({error}); fetch it again"
        ) from error
    end = max((tensor.stop for tensor in tensors), default=0)
    if tensors and end != file.size:
        raise InputError(
            f"{file.label}: has {file.size:,} bytes, its header states {end:,}; fetch it again"
        )
    return tensors


def refuse_pointer(file: WeightFile) -> None:
    """Refuse what git leaves in place of a large file where git-lfs is not installed.

    Raises
    ------
    InputError
        Saying how to get the file itself.
    """
    if file.size > _LONGEST_POINTER:
        return
    if _bytes(file, 0, min(len(POINTER), file.size)) == POINTER:
        raise InputError(
            f"{file.label}: is a pointer of git-lfs, not the weights: the repository was cloned "
            "without git-lfs; install it and run `git lfs pull` in that folder"
        )


def _bytes(file: WeightFile, start: int, stop: int) -> bytes:
    content = bytearray(stop - start)
    file.read_into(start, [memoryview(content)])
    return bytes(content)


def _parsed(file: WeightFile) -> list[StoredTensor]:
    if file.size < _LENGTH:
        raise ValueError(f"it has {file.size} bytes")
    length = int.from_bytes(_bytes(file, 0, _LENGTH), "little")
    begin = _LENGTH + length
    if length > min(_LONGEST_HEADER, file.size - _LENGTH):
        raise ValueError(f"its header would have {length:,} bytes")
    header = json.loads(_bytes(file, _LENGTH, begin))
    if not isinstance(header, dict):
        raise ValueError("its header is not a mapping")  # noqa: TRY004 - of the file, not of a caller
    header.pop("__metadata__", None)
    tensors = []
    for name, entry in header.items():
        start, stop = entry["data_offsets"]
        shape = tuple(entry["shape"])
        tensors.append(StoredTensor(name, entry["dtype"], shape, file, begin + start, begin + stop))
    tensors.sort(key=lambda tensor: (tensor.start, tensor.stop))
    for tensor in tensors:
        if tensor.dtype not in ITEM_BYTES:
            raise InputError(
                f"{file.label}: {tensor.name} is of type {tensor.dtype}; weights must be of type "
                f"{', '.join(ITEM_BYTES)}: take a checkpoint that is not quantised"
            )
        if tensor.start != begin:
            raise ValueError(f"{tensor.name} does not start where the tensor before it ends")
        if tensor.stop - tensor.start != math.prod(tensor.shape) * ITEM_BYTES[tensor.dtype]:
            raise ValueError(f"{tensor.name} has other bytes than its shape needs")
        begin = tensor.stop
    return tensors
