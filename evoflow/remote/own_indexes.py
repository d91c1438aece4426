"""An index of our own for a local file whose index is of another file, or of an earlier one.

Such an index points between the blocks of a file, where nothing can be read, or ends before it.
"""

from hashlib import blake2b
from pathlib import Path

import pysam
import pysam.bcftools
import pysam.samtools
from pysam.utils import SamtoolsError

from evoflow.errors import InputError
from evoflow.files.atomic import new_folder
from evoflow.files.cache import cache_folder
from evoflow.files.htslib import is_cram, open_records, quiet
from evoflow.remote.byte_ranges import Index, read_index

_ENDINGS = (".csi", ".bai", ".tbi")
"""What an index' name ends in, in the order in which htslib looks; that of a CRAM is a .crai."""

_BLOCK = b"\x1f\x8b\x08\x04"
"""What each block of a BGZF file begins with."""

_LARGEST = 1 << 30
"""Bytes of a file that is indexed without being asked to."""

_LOOKED_AT = 50
"""Contigs whose first record is looked for."""

_CRAM_END = 1 << 10
"""More bytes than a CRAM has besides its reads behind the last of them."""

_FOLDER = "indexes"


def index_of(path: str) -> Path | None:
    """Find the index beside a file: of several, the one that htslib takes."""
    file = Path(path)
    for ending in (".crai",) if is_cram(path) else _ENDINGS:
        for candidate in (Path(path + ending), file.with_suffix(ending)):
            if candidate.is_file():
                return candidate
    return None


def fits(path: str) -> bool:
    """Whether a file's index leads to its records, all of them; also true where there is none."""
    file = Path(path)
    index = index_of(path)
    if index is None or not file.is_file():
        return True
    try:
        listed = read_index(index.resolve())
    except InputError:
        return True  # which is said where indexes are checked
    with file.open("rb") as blocks:
        is_bgzf = blocks.read(len(_BLOCK)) == _BLOCK
        places = {listed.end >> 16}
        for of_contig in filter(len, listed.pieces):
            places |= {int(of_contig[:, 2].min()), int(of_contig[:, 2].max())}
        for place in sorted(places) if is_bgzf else ():
            blocks.seek(place)
            if blocks.read(len(_BLOCK)) not in {_BLOCK, b""}:
                return False
    if not is_bgzf and not is_cram(path):
        return True
    return _gives_records(path, listed) and not ends_early(path, listed)


def _gives_records(path: str, listed: Index) -> bool:
    """Whether a record of each contig that an index lists, the first ones, can be found by it."""
    try:
        with quiet(), open_records(path) as file:
            in_header = file.references if isinstance(file, pysam.AlignmentFile) else ()
            names = zip(listed.names or in_header, listed.pieces, strict=False)
            holding = [name for name, pieces in names if len(pieces)]
            return all(
                next(iter(file.fetch(name)), None) is not None for name in holding[:_LOOKED_AT]
            )
    except OSError:
        return False
    except (ValueError, NotImplementedError):  # which is said where files are checked
        return True


def ends_early(path: str, listed: Index) -> bool:
    """Whether a file surely goes on behind the last record that its index lists.

    An index may pass over unmapped reads, which are often at the end.
    """
    try:
        with quiet(), open_records(path) as file:
            if file.is_cram:  # whose index lists those too
                return Path(path).stat().st_size - (listed.end >> 16) > _CRAM_END
            if listed.end:
                file.seek(listed.end)
            following = next(file, None)
    except (OSError, ValueError, NotImplementedError):  # which is said where files are checked
        return False
    return following is not None and not getattr(following, "is_unmapped", False)


def with_own_index(path: str) -> str:
    """Name a link to the file that has an index of our own beside it; the file where its fits.

    Files larger than `_LARGEST`, and CRAMs, stay as they are, and their index is refused: of a
    damaged CRAM samtools makes half an index without a word.
    """
    if is_cram(path) or fits(path) or Path(path).stat().st_size > _LARGEST:
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
                with quiet(), open_records(path) as opened:
                    if isinstance(opened, pysam.AlignmentFile):
                        pysam.samtools.index(str(linked))
                    else:
                        pysam.bcftools.index(str(linked))
        except (OSError, ValueError, SamtoolsError):
            return path
    return str(folder / file.name)


def is_own(path: str) -> bool:
    """Whether a path is a link that `with_own_index` made."""
    return Path(path).parent.parent == cache_folder() / _FOLDER
