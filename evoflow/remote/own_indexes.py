"""An index of our own for a local file whose index is of another file, or of an earlier one.

Such an index points between the blocks of a BGZF file, where nothing can be read.
"""

from hashlib import blake2b
from pathlib import Path
from typing import Any

import pysam
import pysam.bcftools
import pysam.samtools
from pysam.utils import SamtoolsError

from evoflow.errors import InputError
from evoflow.files.atomic import new_folder
from evoflow.files.cache import cache_folder
from evoflow.files.htslib import quiet
from evoflow.remote.byte_ranges import Index, read_index

_ENDINGS = (".csi", ".bai", ".tbi", ".crai")
"""What an index' name ends in, in the order in which htslib looks."""

_BLOCK = b"\x1f\x8b\x08\x04"
"""What each block of a BGZF file begins with."""

_LARGEST = 1 << 30
"""Bytes of a file that is indexed without being asked to."""

_LOOKED_AT = 50
"""Contigs whose first record is looked for."""

_FOLDER = "indexes"


def index_of(path: str) -> Path | None:
    """Find the index beside a file: of several, the one that htslib takes."""
    file = Path(path)
    for ending in _ENDINGS:
        for candidate in (Path(path + ending), file.with_suffix(ending)):
            if candidate.is_file():
                return candidate
    return None


def fits(path: str) -> bool:
    """Whether a file's index points at its blocks; also true where there is none to look at."""
    file = Path(path)
    index = index_of(path)
    if index is None or not file.is_file():
        return True
    try:
        listed = read_index(index.resolve())
    except InputError:
        return True  # which is said where indexes are checked
    with file.open("rb") as blocks:
        if blocks.read(len(_BLOCK)) != _BLOCK:
            return True
        for of_contig in listed.pieces:
            for place in {of_contig[:, 2].min(), of_contig[:, 2].max()} if len(of_contig) else ():
                blocks.seek(int(place))
                if blocks.read(len(_BLOCK)) != _BLOCK:
                    return False
    return _gives_records(path, listed)


def _gives_records(path: str, listed: Index) -> bool:
    """Whether a record of each contig that an index lists, the first ones, can be found by it."""
    opener: Any = pysam.AlignmentFile if path.endswith(".bam") else pysam.VariantFile
    try:
        with quiet(), opener(path) as file:
            in_header = file.references if path.endswith(".bam") else ()
            names = zip(listed.names or in_header, listed.pieces, strict=False)
            holding = [name for name, pieces in names if len(pieces)]
            return all(
                next(iter(file.fetch(name)), None) is not None for name in holding[:_LOOKED_AT]
            )
    except OSError:
        return False
    except (ValueError, NotImplementedError):  # which is said where files are checked
        return True


def with_own_index(path: str) -> str:
    """Name a link to the file that has an index of our own beside it; the file where its fits.

    Files larger than `_LARGEST` stay as they are: their index is refused.
    """
    if path.endswith(".cram") or fits(path) or Path(path).stat().st_size > _LARGEST:
        return path
    file = Path(path)
    state = file.stat()
    identity = f"{file.resolve()} {state.st_size} {state.st_mtime_ns}"
    folder = cache_folder() / _FOLDER / blake2b(identity.encode(), digest_size=8).hexdigest()
    if not folder.is_dir():
        try:
            with new_folder(folder) as made:
                linked = made / file.name
                linked.symlink_to(file.absolute())
                with quiet():
                    if file.name.endswith(".bam"):
                        pysam.samtools.index(str(linked))
                    else:
                        pysam.bcftools.index(str(linked))
        except (OSError, SamtoolsError):
            return path
    return str(folder / file.name)


def is_own(path: str) -> bool:
    """Whether a path is a link that `with_own_index` made."""
    return Path(path).parent.parent == cache_folder() / _FOLDER
