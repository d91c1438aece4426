"""Sequences from a FASTA file, each checked letter by letter.

pysam.FastxFile gives no line numbers for messages, skips what comes before the first header, takes
a file that is not gzip for an empty one, and ends a sequence at a NUL without a word.
"""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader, TextIOWrapper
from pathlib import Path

from evoflow.dna import ALPHABET, unknown_letter
from evoflow.errors import InputError

SHOWN_PROBLEMS = 20


@dataclass(frozen=True)
class Record:
    """One sequence.

    Attributes
    ----------
    name
        First word of its header.
    line
        1-based line of its header.
    sequence
        Its bases, lines joined.
    """

    name: str
    line: int
    sequence: str


def read_fasta(path: Path) -> list[Record]:
    """Read a FASTA file, plain or gzipped.

    Raises
    ------
    InputError
        If it cannot be read or holds no sequence; and for each sequence that has no bases, no
        name of its own or a letter that Evo does not know, with its name and line.
    """
    problems: list[str] = []
    records: list[Record] = []
    seen: dict[str, int] = {}
    for number, header, lines in _entries(path):
        words = header.split()
        name = words[0] if words else ""
        if not words:
            problems.append(f"{path}:{number}: a sequence has no name")
        elif name in seen:
            problems.append(f"{path}:{number}: sequence {name} has the name of line {seen[name]}")
        elif not any(lines):
            problems.append(f"{path}:{number}: sequence {name} is empty")
        seen.setdefault(name, number)
        for line, text in enumerate(lines, start=number + 1):
            unknown = unknown_letter(text)
            if unknown is not None:
                problems.append(
                    f"{path}:{line}: sequence {name} has {unknown[1]!r}; only {ALPHABET} are "
                    f"known: {_what_to_do(unknown[1])}"
                )
                break
        records.append(Record(name, number, "".join(lines)))
    if not records and not problems:
        problems.append(f"{path}: holds no sequences; a FASTA header starts with '>'")
    if problems:
        more = len(problems) - SHOWN_PROBLEMS
        raise InputError(problems[:SHOWN_PROBLEMS] + ([f"and {more} more"] if more > 0 else []))
    return records


def _entries(path: Path) -> Iterator[tuple[int, str, list[str]]]:
    """Yield the line, the header and the sequence lines of each entry."""
    number, header, lines = 0, None, list[str]()
    try:
        with path.open("rb") as raw, _text(raw) as file:
            for line, text in enumerate(map(str.strip, file), start=1):
                if text.startswith(">"):
                    if header is not None:
                        yield number, header, lines
                    number, header, lines = line, text[1:], []
                elif header is not None:
                    lines.append(text)
                elif text:
                    raise InputError(f"{path}:{line}: must start with a FASTA header, '>NAME'")
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"{path}: {getattr(error, 'strerror', None) or error}; name a FASTA file"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not text; name a FASTA file") from error
    if header is not None:
        yield number, header, lines


def _text(raw: BufferedReader) -> TextIOWrapper:
    """Read text, gzipped or not, whatever the file's name says."""
    packed = raw.peek(2).startswith(b"\x1f\x8b")
    return TextIOWrapper(gzip.open(raw) if packed else raw, encoding="utf-8-sig")


def _what_to_do(letter: str) -> str:
    """Say how to get rid of a letter."""
    if letter in "uU":
        return "write RNA as DNA, T for U"
    if letter in "-.*":
        return "remove gaps: aligned sequences cannot be embedded"
    return "write N for a base that is not known"
