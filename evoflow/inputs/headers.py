"""Headers as they are written: lines of kinds that pysam does not know, names in any encoding."""

import re

import pysam

from evoflow.errors import InputError, printable

_LINE = re.compile(r"@CO\t.*|@[A-Za-z]{2}(\t[A-Za-z][A-Za-z0-9]:[^\t]*)+\r?|")
"""A line of the header of a BAM or CRAM."""


def check_parsed(path: str, reads: pysam.AlignmentFile) -> None:
    """Check that htslib understands the header, without which it finds no contig.

    Raises
    ------
    InputError
        When it does not, with the line, where its form is what is wrong.
    """
    try:
        reads.get_tid("")
    except ValueError:
        lines = str(reads.header).split("\n")
        odd = next((line for line in lines if not _LINE.fullmatch(line)), None)
        raise InputError(
            f"{path}: samtools cannot parse its header{f' line {odd!r}' if odd else ''}; write "
            "the header to a file with `samtools view --no-PG -H`, correct it there, and put it "
            "back with `samtools reheader`"
        ) from None


def fields_of(header: pysam.AlignmentHeader, kind: str) -> list[dict[str, str]]:
    """Read the lines of a kind, such as `RG`, from the header of a BAM or CRAM: values by tag."""
    return [
        dict(field.partition(":")[::2] for field in line.rstrip().split("\t")[1:])
        for line in str(header).split("\n")
        if line.startswith(f"@{kind}\t")
    ]


def is_called(written: str, name: str) -> bool:
    """Whether a name in a file, in whatever encoding, is the one that the settings give."""
    encoded = written.encode(errors="surrogateescape")
    return name in {written, encoded.decode("latin-1"), printable(written)}
