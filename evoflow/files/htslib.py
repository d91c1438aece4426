"""samtools and bcftools as pysam bundles them: run in this process, with errors people can read.

Text that is not UTF-8 is read with surrogate escapes, as Python reads file names.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pysam
import pysam.bcftools
import pysam.samtools
from pysam.utils import PysamDispatcher, SamtoolsError

from evoflow.errors import InputError
from evoflow.files.disks import temporary_folder_full

# Headers, names and values may be in any encoding, and few of them matter; those that do must
# come back as the bytes that they were.
pysam.set_encoding_error_handler("surrogateescape")


def run(command: PysamDispatcher, *arguments: str, about: str) -> str:
    """Run a command such as `pysam.bcftools.norm` that writes its result to a file.

    Parameters
    ----------
    command
        The command.
    arguments
        Its arguments, `-o` among them.
    about
        The user's file that a message names.

    Returns
    -------
    str
        What it said on standard error.

    Raises
    ------
    InputError
        When it fails.
    """
    try:
        with quiet():
            command(*arguments, catch_stdout=False)
    except SamtoolsError as error:
        said = str(error.value).rpartition("stderr=")[2]
        reason = " ".join(said.split()) or "no reason given"
        if full := temporary_folder_full():
            raise InputError(full) from None
        name = f"{command.collection} {command.dispatch}"
        raise InputError(f"{about}: {name} cannot read it ({reason}); check the file") from None
    return str(command.stderr or "")


class Fasta(pysam.FastaFile):
    """A FASTA with its index, which names itself where it is damaged."""

    def fetch(  # type: ignore[override]  # without a region in samtools' form
        self, reference: str, start: int | None = None, end: int | None = None
    ) -> str:
        """Read the bases of an interval, 0-based and half-open, as pysam does.

        Raises
        ------
        InputError
            When they cannot be read.
        """
        try:
            return super().fetch(reference, start, end)
        except (OSError, ValueError) as error:
            # pysam raises the first with the number of whatever system call failed last.
            if isinstance(error, ValueError) and "failure when retrieving" not in str(error):
                raise
            place = f"{reference}:{(start or 0) + 1}"
            raise InputError(damaged(os.fsdecode(self.filename), place)) from None


def damaged(fasta: str, place: str) -> str:
    """Say that a FASTA cannot be read at a place, 1-based."""
    return f"{fasta}: is damaged: it cannot be read at {place}; copy it again"


def output(command: PysamDispatcher, *arguments: str, about: str) -> str:
    """Run a command that answers on standard output; raises as `run` does."""
    try:
        with quiet():
            return str(command(*arguments) or "")
    except SamtoolsError as error:
        raise InputError(temporary_folder_full() or f"{about}: {error.value}") from None


def is_bgzipped(path: str | Path) -> bool:
    """Whether a FASTA is bgzipped rather than plain text.

    Raises
    ------
    InputError
        When it is gzipped in the plain way, in which no place can be looked up.
    """
    with Path(path).open("rb") as file:
        head = file.read(18)
    if not head.startswith(b"\x1f\x8b"):
        return False
    if head[3] & 4 and head[12:14] == b"BC":
        return True
    raise InputError(
        f"{path}: is compressed with gzip, not bgzip, so that no contig can be looked up; "
        f"`gunzip` it, or `gunzip -c FASTA.gz | bgzip > NEW.fa.gz`, then `samtools faidx` it"
    )


def is_cram(path: str) -> bool:
    """Whether a file is a CRAM, whatever its name; one that cannot be read is none."""
    try:
        with Path(path).open("rb") as file:
            return file.read(4) == b"CRAM"
    except OSError:
        return False


def open_records(path: str) -> pysam.AlignmentFile | pysam.VariantFile:
    """Open a BAM, CRAM, VCF or BCF, whatever its name; of a CRAM to see where its reads are."""
    try:
        # Names and positions are enough: decoding a CRAM's bases would ask for the reference.
        return pysam.AlignmentFile(path, check_sq=False, format_options=["required_fields=0xd"])
    except ValueError:
        return pysam.VariantFile(path)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep htslib's own messages off the terminal: ours say the same and how to fix it."""
    verbosity = pysam.set_verbosity(0)
    try:
        yield
    finally:
        pysam.set_verbosity(verbosity)
