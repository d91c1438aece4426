"""Which bytes of an indexed file hold some intervals of a contig, by its index alone.

Byte ranges are 0-based and half-open, and may cover more than is needed, never less. Formats:
"Sequence Alignment/Map Format Specification" section 5 (BAI), "The Tabix index file format",
"Coordinate Sorted Index (CSI) format" and "CRAM format specification" section 12 (CRAI), all at
https://samtools.github.io/hts-specs; FAI and GZI as `samtools faidx` and `bgzip` describe them.
"""

import gzip
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evoflow.errors import InputError

Ranges = list[tuple[int, int]]
Intervals = Sequence[tuple[int, int]]

_SLACK = 1 << 16
"""Largest BGZF block, and more than the head of a CRAM container: the last one may reach so far."""

_NOT_OF_FASTA = "{}: is not an index of a FASTA, or is cut off; make it again with `samtools faidx`"


@dataclass(frozen=True)
class Index:
    """Where the records of each contig are.

    Attributes
    ----------
    names
        The contigs' names, where the index has them (VCF); else contigs go by number.
    pieces
        By contig number an int64 array of shape (n, 4): the interval of the contig that a piece
        of the file may have records of, and the piece's bytes.
    end
        Where the last record ends, as BGZF counts: the place of its block in the file times 65,536
        plus that in the block; 0 where there is no record.
    """

    names: tuple[str, ...]
    pieces: tuple[npt.NDArray[np.int64], ...]
    end: int

    def head(self, size: int) -> tuple[int, int]:
        """Find the bytes before the first record, of a file of so many bytes."""
        firsts = [int(each[:, 2].min()) for each in self.pieces if len(each)]
        return 0, min(firsts, default=size) + _SLACK

    def behind(self, size: int) -> tuple[int, int]:
        """Find the bytes where another record would begin, of a file of so many bytes."""
        last = min(self.end >> 16, size)
        return last, last + 2 * _SLACK

    def holding(self, number: int, intervals: Intervals) -> Ranges:
        """Find the bytes that hold some intervals (0-based, half-open) of a contig."""
        if number >= len(self.pieces) or not intervals:
            return []
        pieces = self.pieces[number]
        ordered = np.array(sorted(intervals), dtype=np.int64)
        reach = np.maximum.accumulate(ordered[:, 1])
        before = np.searchsorted(ordered[:, 0], pieces[:, 1])
        # The last interval that starts before a piece's end, and those before it.
        overlap = (before > 0) & (reach[np.maximum(before, 1) - 1] > pieces[:, 0])
        return [(int(start), int(stop)) for start, stop in pieces[overlap, 2:]]


def read_index(path: Path) -> Index:
    """Read a BAI, CSI, TBI or CRAI.

    Raises
    ------
    InputError
        When it is none of these, or is cut off.
    """
    state = path.stat()
    return _read_index(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=16)
def _read_index(path: Path, _changed: int, _size: int) -> Index:
    """Read an index once, until it is made again."""
    content = path.read_bytes()
    try:
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        return _parse(content)
    except (ValueError, struct.error, OSError, EOFError, zlib.error) as error:
        message = f"{path}: is not an index of a known kind, or is cut off; make it again"
        raise InputError(message) from error


def _parse(content: bytes) -> Index:
    magic = content[:4]
    if magic == b"BAI\1":
        return Index((), *_binned(content, 4, 14, 5, extra=0, linear=True))
    if magic == b"TBI\1":
        (length,) = struct.unpack_from("<i", content, 32)
        names = _names(content[36 : 36 + length])
        # The names stand between the number of contigs and the contigs.
        moved = content[4:8] + content[36 + length :]
        return Index(names, *_binned(moved, 0, 14, 5, extra=0, linear=True))
    if magic == b"CSI\1":
        shift, depth, length = struct.unpack_from("<iii", content, 4)
        names = _names(content[16 + 28 : 16 + length]) if length >= 28 else ()
        return Index(names, *_binned(content, 16 + length, shift, depth, extra=8, linear=False))
    return _containers(content.decode("ascii"))


def _names(joined: bytes) -> tuple[str, ...]:
    return tuple(name.decode(errors="surrogateescape") for name in joined.split(b"\0") if name)


def _binned(
    content: bytes, at: int, shift: int, depth: int, *, extra: int, linear: bool
) -> tuple[tuple[npt.NDArray[np.int64], ...], int]:
    """Read the bins of all contigs: `extra` bytes are in each bin, `linear` offsets behind them.

    Returns
    -------
    pieces, end
        See `Index`.
    """
    first_of_level = [((1 << 3 * level) - 1) // 7 for level in range(depth + 2)]
    contigs = []
    last = 0
    (count,) = struct.unpack_from("<i", content, at)
    at += 4
    for _ in range(count):
        pieces: list[tuple[int, int, int, int]] = []
        (bins,) = struct.unpack_from("<i", content, at)
        at += 4
        for _ in range(bins):
            number, chunks = struct.unpack_from(f"<I{extra}xi", content, at)
            at += 8 + extra
            if number < first_of_level[-1]:  # the number behind the last bin's holds statistics
                level = sum(number >= first for first in first_of_level[1:])
                width = 1 << (shift + 3 * (depth - level))
                start = (number - first_of_level[level]) * width
                offsets = struct.unpack_from(f"<{2 * chunks}Q", content, at)
                pieces += [
                    (start, start + width, begin, end)
                    for begin, end in zip(offsets[::2], offsets[1::2], strict=True)
                ]
            at += 16 * chunks
        if linear:
            (windows,) = struct.unpack_from("<i", content, at)
            at += 4 + 8 * windows
        if at > len(content):
            raise ValueError("its last contig is not whole")
        of_contig = np.array(pieces, dtype=np.uint64).reshape(-1, 4)
        last = max(last, int(of_contig[:, 3].max(initial=0)))
        of_contig[:, 2:] >>= np.uint64(16)
        of_contig[:, 3] += np.uint64(_SLACK)
        contigs.append(of_contig.astype(np.int64))
    return tuple(contigs), last


def _containers(text: str) -> Index:
    """Read a CRAI: one slice a line, its contig's number, start, span and where it is."""
    slices: dict[int, list[tuple[int, int, int, int]]] = {}
    last = 0
    for line in text.splitlines():
        number, start, span, container, landmark, size = map(int, line.split("\t"))
        end = container + landmark + size
        last = max(last, end << 16)
        piece = start - 1, start - 1 + span, container, end + _SLACK
        slices.setdefault(number, []).append(piece)
    if not slices:
        raise ValueError("it lists nothing")
    contigs = range(max(slices) + 1)
    pieces = (np.array(slices.get(each, []), np.int64).reshape(-1, 4) for each in contigs)
    return Index((), tuple(pieces), last)


class Lines(NamedTuple):
    """Where a contig of a FASTA is: its length, its first base, and the lines' bases and bytes."""

    length: int
    offset: int
    bases: int
    width: int


def read_fai(path: Path) -> dict[str, Lines]:
    """Read the index of a FASTA: its contigs, in order.

    Raises
    ------
    InputError
        When it is none, or is cut off.
    """
    contigs = {}
    for line in path.read_bytes().splitlines():
        name, *numbers = line.split(b"\t")[:5]
        try:
            lines = Lines(*map(int, numbers))
        except (TypeError, ValueError):
            lines = Lines(0, 0, 1, 0)
        if lines.width < lines.bases:
            raise InputError(_NOT_OF_FASTA.format(path))
        contigs[name.decode(errors="surrogateescape")] = lines
    return contigs


def read_gzi(path: Path) -> npt.NDArray[np.int64]:
    """Read where the blocks of a bgzipped FASTA begin.

    Returns
    -------
    int64 array of shape (n, 2)
        Offsets in the file and in its content; the first ones are 0.

    Raises
    ------
    InputError
        When the file is no such index, or is cut off.
    """
    numbers = np.fromfile(path, dtype="<u8").astype(np.int64)
    if len(numbers) % 2 == 0 or len(numbers) != 2 * numbers[0] + 1:
        raise InputError(_NOT_OF_FASTA.format(path))
    return np.vstack([[[0, 0]], numbers[1:].reshape(-1, 2)])


def contigs_of_fasta(fai: Path, gzi: Path | None, contigs: Iterable[str]) -> Ranges:
    """Find the bytes of contigs of a FASTA, plain or bgzipped; it need not have all of them."""
    held, table = read_fai(fai), None if gzi is None else read_gzi(gzi)
    ranges = []
    for lines in [held[contig] for contig in contigs if contig in held]:
        start = lines.offset
        stop = start + (lines.length // lines.bases + 1) * lines.width
        if table is not None:
            first, last = np.searchsorted(table[:, 1], [start, stop], side="right") - 1
            start, stop = int(table[first, 0]), int(table[last, 0]) + _SLACK
        ranges.append((start, stop))
    return ranges
