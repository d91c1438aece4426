"""The letters of DNA and its two strands."""

import pandas as pd

ALPHABET = "ACGTN"
"""Letters that a sequence may have; lower case would give other tokens, so is raised first."""

_COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


def unknown_letter(sequence: str) -> tuple[int, str] | None:
    """Return the 0-based index of the first letter outside `ALPHABET`, and the letter."""
    rest = sequence.upper().lstrip(ALPHABET)
    return (len(sequence) - len(rest), sequence[-len(rest)]) if rest else None


def reverse_complement(sequence: str) -> str:
    """Write the other strand, 5' to 3'; upper-case A, C, G, T and N."""
    return sequence.translate(_COMPLEMENT)[::-1]


def canonical_strand(sequences: pd.Series) -> pd.Series:
    """Take the smaller, as text, of every sequence and its reverse complement."""
    return sequences.map(lambda sequence: min(sequence, reverse_complement(sequence)))
