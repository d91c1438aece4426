"""The FASTA that a CRAM's bases are restored with, under the CRAM's own names for the contigs."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import md5
from pathlib import Path

import pysam

from evoflow.errors import InputError
from evoflow.files.htslib import Fasta, is_cram, quiet
from evoflow.inputs.headers import fields_of
from evoflow.inputs.inventory import Held


def reference_of(path: str, held: Held, reference: str, folder: Path) -> str:
    """Name a FASTA that has the reference's contigs as the reads' file spells them.

    Parameters
    ----------
    path, held
        The BAM or CRAM, and what it holds.
    reference
        The FASTA.
    folder
        Where links to it are put, with an index that has the CRAM's names.

    Returns
    -------
    str
        The reference itself where it has all names already.
    """
    spelled = {contig: names[0] for contig, names in held.spellings.items()}
    if not is_cram(path) or all(contig == name for contig, name in spelled.items()):
        return reference
    folder.mkdir(parents=True, exist_ok=True)
    linked = folder / Path(reference).name
    if not linked.exists():
        linked.symlink_to(Path(reference).absolute())
        blocks = Path(f"{reference}.gzi")
        if blocks.exists():
            Path(f"{linked}.gzi").symlink_to(blocks.absolute())
        lines = []
        for line in Path(f"{reference}.fai").read_bytes().splitlines():
            name, _, rest = line.partition(b"\t")
            contig = name.decode(errors="surrogateescape")
            named = spelled.get(contig, contig).encode(errors="surrogateescape")
            lines.append(named + b"\t" + rest)
        Path(f"{linked}.fai").write_bytes(b"\n".join(lines) + b"\n")
    return str(linked)


@contextmanager
def explained(path: str, spelling: str, reference: str) -> Iterator[None]:
    """Say why the reads of a contig cannot be read: htslib's own words do not name the reference.

    Parameters
    ----------
    path
        The BAM or CRAM.
    spelling
        The contig's name in it.
    reference
        The FASTA of `reference_of`.

    Raises
    ------
    InputError
        When the reads cannot be read.
    """
    try:
        yield
    except (OSError, ValueError, InputError) as error:
        if not is_cram(path):
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"{path}: {spelling} cannot be read ({error}); copy it again"
            ) from None
        raise InputError(_why(path, spelling, reference)) from error


def _why(path: str, spelling: str, reference: str) -> str:
    with quiet(), pysam.AlignmentFile(path, check_sq=False) as reads:
        listed = fields_of(reads.header, "SQ")
    stated = next((each.get("M5", "") for each in listed if each.get("SN") == spelling), "")
    with quiet(), Fasta(reference) as genome:
        if spelling not in genome.references:
            return (
                f"{path}: {spelling} cannot be read: {reference} does not have this contig; give "
                "the FASTA that the CRAM was made with, or `regions` without the contig"
            )
        bases = genome.fetch(spelling).upper()
    found = md5(bases.encode(), usedforsecurity=False).hexdigest()
    if stated and stated.lower() != found:
        return (
            f"{path}: was made with another reference: its {spelling} has the MD5 {stated}, that "
            f"of {reference} {found}; give the FASTA that the CRAM was made with"
        )
    return (
        f"{path}: {spelling} cannot be decoded with {reference}: the file is damaged, or was made "
        "with another reference; give the FASTA that the CRAM was made with, or copy the CRAM again"
    )
