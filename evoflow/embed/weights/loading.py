"""Tensors from files to a device, while further ones are read.

Several threads read and hash. On a CPU the values go straight to where they stay; for a GPU each
thread has one pinned buffer of the largest tensor's size, about a gigabyte for all of them.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import nullcontext
from itertools import islice

import torch
from torch import Tensor

from evoflow.embed.weights.files import StoredTensor
from evoflow.embed.weights.identity import tensor_digest, weights_identity
from evoflow.errors import InputError

PART_BYTES = 64_000_000
"""Neighbouring tensors are read together up to so many bytes; larger ones alone."""

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_ATTEMPTS = 3

Progress = Callable[[int, int], None]
"""Called with the bytes read so far and those of all."""


class TensorStream:
    """Tensors in the types in which they are stored, each as soon as it is on the device.

    Parameters
    ----------
    tensors
        What is read.
    device
        Where it goes.
    digests
        Of tensors, by name, where they are known: other bytes are read again, then refused.
    progress
        Told how far it is.
    """

    def __init__(
        self,
        tensors: Sequence[StoredTensor],
        device: torch.device,
        *,
        digests: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._tensors = tensors
        self._device = device
        self._wanted = digests or {}
        self._progress = progress
        self._digests: dict[str, str] = {}
        self._own = threading.local()

    def __iter__(self) -> Iterator[tuple[StoredTensor, Tensor]]:
        """Yield every tensor, in no particular order.

        Raises
        ------
        InputError
            When a file cannot be read, or does not hold what it should.
        """
        parts = iter(_parts(self._tensors))
        readers = max((tensor.file.readers for tensor in self._tensors), default=1)
        total = sum(tensor.stop - tensor.start for tensor in self._tensors)
        done = 0
        with ThreadPoolExecutor(readers) as threads:
            running = {threads.submit(self._read, part) for part in islice(parts, readers)}
            try:
                while running:
                    ended, running = wait(running, return_when=FIRST_COMPLETED)
                    following = islice(parts, len(ended))
                    running |= {threads.submit(self._read, part) for part in following}
                    for future in ended:
                        for stored, tensor in future.result():
                            if tensor.is_cuda:  # another stream will compute on it
                                tensor.record_stream(torch.cuda.current_stream(tensor.device))
                            done += stored.stop - stored.start
                            yield stored, tensor
                    if self._progress is not None:
                        self._progress(done, total)
            finally:
                for future in running:
                    future.cancel()

    @property
    def digests(self) -> dict[str, str]:
        """Digests of the tensors that were read, by name."""
        return dict(self._digests)

    @property
    def identity(self) -> str:
        """Name of the weights, known after the last tensor; see `weights_identity`."""
        return weights_identity(
            (tensor.name, tensor.dtype, tensor.shape, self._digests[tensor.name])
            for tensor in self._tensors
        )

    def _read(self, part: Sequence[StoredTensor]) -> list[tuple[StoredTensor, Tensor]]:
        """Read neighbouring tensors, and put them onto the device."""
        kept = self._device.type == "cpu"
        if kept:
            on_host = [torch.empty(one.shape, dtype=DTYPES[one.dtype]) for one in part]
        else:
            on_host = self._buffers(part)
        views = [_bytes_of(tensor) for tensor in on_host]
        for _ in range(_ATTEMPTS):
            part[0].file.read_into(part[0].start, views)
            digests = {one.name: tensor_digest(view) for one, view in zip(part, views, strict=True)}
            wrong = [
                name for name in digests if digests[name] != self._wanted.get(name, digests[name])
            ]
            if not wrong:
                break
        else:
            raise InputError(f"{part[0].file.label}: {wrong[0]} differs from what was written")
        self._digests |= digests
        return list(zip(part, on_host if kept else self._sent(part, on_host), strict=True))

    def _buffers(self, part: Sequence[StoredTensor]) -> list[Tensor]:
        """Divide this thread's buffer among neighbouring tensors."""
        begin, size = part[0].start, part[-1].stop - part[0].start
        buffer: Tensor | None = getattr(self._own, "buffer", None)
        if buffer is None or len(buffer) < size:
            buffer = self._own.buffer = None  # the smaller one goes before the larger one comes
            pinned = self._device.type == "cuda"
            buffer = torch.empty(max(size, PART_BYTES), dtype=torch.uint8, pin_memory=pinned)
            self._own.buffer = buffer
        return [buffer[one.start - begin : one.stop - begin] for one in part]

    def _sent(self, part: Sequence[StoredTensor], on_host: Sequence[Tensor]) -> list[Tensor]:
        """Copy tensors to the device; their buffers are free afterwards."""
        stream = self._stream()
        # Memory is taken inside the stream: what another one still computes on is not reused.
        with torch.cuda.stream(stream) if stream else nullcontext():
            sent = []
            for one, content in zip(part, on_host, strict=True):
                tensor = torch.empty(one.shape, dtype=DTYPES[one.dtype], device=self._device)
                tensor.reshape(-1).view(torch.uint8).copy_(content, non_blocking=True)
                sent.append(tensor)
        if stream is not None:
            stream.synchronize()
        return sent

    def _stream(self) -> "torch.cuda.Stream | None":
        """Return this thread's stream; None where the device has none."""
        if self._device.type != "cuda":
            return None
        if not hasattr(self._own, "stream"):
            self._own.stream = torch.cuda.Stream(self._device)
        stream: torch.cuda.Stream = self._own.stream
        return stream


def identity_of(tensors: Mapping[str, Tensor]) -> str:
    """Name the values of tensors in memory, as `TensorStream` names those of files."""
    return weights_identity(
        (
            name,
            _NAMES[tensor.dtype],
            tuple(tensor.shape),
            tensor_digest(_bytes_of(tensor.detach().cpu().contiguous())),
        )
        for name, tensor in tensors.items()
    )


def _bytes_of(tensor: Tensor) -> memoryview:
    return tensor.reshape(-1).view(torch.uint8).numpy().data


def _parts(tensors: Sequence[StoredTensor]) -> Iterator[list[StoredTensor]]:
    """Gather tensors that are neighbours in their file."""
    part: list[StoredTensor] = []
    for tensor in tensors:
        apart = part and (part[-1].file is not tensor.file or part[-1].stop != tensor.start)
        if part and (apart or tensor.stop - part[0].start > PART_BYTES):
            yield part
            part = []
        part.append(tensor)
    if part:
        yield part
